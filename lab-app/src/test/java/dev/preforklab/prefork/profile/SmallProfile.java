package dev.preforklab.prefork.profile;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/**
 * A profile small enough to be written by hand: one arena with one pool of 64-byte blocks that
 * holds three collectable objects, of which two form a cycle, beside one atomic object.
 */
final class SmallProfile {
  static final long ARENA = 0x7f00_0000_0000L;
  static final long POOL = ARENA;

  final List<String> lines = new ArrayList<>();

  SmallProfile() {
    lines.add(
        """
        {"prefork_profile":1,"name":"small","python":"3.11.2","implementation":"cpython",
        "platform":"linux","captured":"2026-11-22","app":{},
        "gc":{"enabled":true,"thresholds":[700,10,10],"counts":[5,1,0],"long_lived_total":3,
        "long_lived_pending":0,"stats":[[1,0,0],[0,0,0],[0,0,0]],"freeze_count":0},
        "sizes":{"gc_head":16,"arena":1048576,"pool":16384,"page":4096},
        "modules":1,"objects":4,"tracked":3,
        "types":[["list",1,40,0],["str",0,49,1]],"endpoints":[["GET","/",1]]}"""
            .replace("\n", ""));
    lines.add("{\"vma\":[" + ARENA + ",256,\"anon\",\"\",[0,4]]}");
    lines.add("{\"arena\":[" + ARENA + ",64]}");
    lines.add("{\"pool\":[" + POOL + ",3,4,368,16320,[304]]}");
    lines.add("{\"used\":[3,[" + POOL + "]]}");
    lines.add("{\"free_pools\":[" + ARENA + ",[]]}");
    long first = POOL + 48 + 16;
    lines.add(
        "{\"objs\":[["
            + first / 8
            + ",0,40,1,1,[1]],[8,0,40,1,2,[-1]],[8,0,40,1,1,[1]],[6,1,50,0,2,[]]]}");
    lines.add("{\"gc_list\":[2,[0,1,1]]}");
    lines.add(
        "{\"request\":{\"endpoint\":0,\"state\":\"warm\",\"cpu_ns\":1000,"
            + "\"events\":[258,129,257,-1],\"garbage\":[[[0],[1]]],\"carried\":[],\"held\":[]}}");
    lines.add("{\"touched\":[1,[" + (POOL >> 12) + "]]}");
    lines.add("{\"appeared\":[1,\"file_ro\",3]}");
  }

  /** Replaces the first occurrence in the line that starts with a prefix. */
  SmallProfile edit(String prefix, String what, String by) {
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (line.startsWith(prefix) && line.contains(what)) {
        lines.set(i, line.replace(what, by));
        return this;
      }
    }
    throw new IllegalArgumentException("no line " + prefix + " with " + what);
  }

  /** Replaces the whole line that starts with a prefix. */
  SmallProfile replace(String prefix, String by) {
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).startsWith(prefix)) {
        lines.set(i, by);
        return this;
      }
    }
    throw new IllegalArgumentException("no line " + prefix);
  }

  byte[] bytes() {
    StringBuilder text = new StringBuilder();
    lines.forEach(line -> text.append(line).append('\n'));
    text.append("{\"end\":{\"lines\":").append(lines.size() + 1).append("}}\n");
    return gzip(text.toString());
  }

  static byte[] gzip(String text) {
    try {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      try (GZIPOutputStream zip = new GZIPOutputStream(out)) {
        zip.write(text.getBytes(StandardCharsets.UTF_8));
      }
      return out.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Path write(Path file) {
    try {
      return Files.write(file, bytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
