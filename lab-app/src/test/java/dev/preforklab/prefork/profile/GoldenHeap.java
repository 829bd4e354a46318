package dev.preforklab.prefork.profile;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;
import java.util.zip.GZIPInputStream;

/**
 * A real Django master's heap (347,577 objects, CPython 3.11.2) in the format it was first taken
 * in: objects with addresses and references, but no allocator state and no mappings. All tracked
 * objects are taken to be in the oldest generation, for a collection ran just before.
 */
final class GoldenHeap {
  static final int PAGES_WITH_GC_HEADS = 5971;

  private GoldenHeap() {}

  static Profile load() {
    try (InputStream in = GoldenHeap.class.getResourceAsStream("heap_15000.txt.gz");
        BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(new GZIPInputStream(in), StandardCharsets.US_ASCII))) {
      return parse(lines);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Profile parse(BufferedReader lines) throws IOException {
    JsonNode header = new ObjectMapper().readTree(lines.readLine());
    int objects = header.get("objects").intValue();
    long[] address = new long[objects];
    int[] type = new int[objects];
    int[] bytes = new int[objects];
    byte[] flag = new byte[objects];
    long[] refcount = new long[objects];
    int[] refStart = new int[objects + 1];
    IntArray refs = new IntArray(4 * objects);
    IntArray tracked = new IntArray(objects);
    boolean[] gcType = new boolean[header.get("types").size()];
    long previous = 0;
    for (int k = 0; k < objects; k++) {
      StringTokenizer row = new StringTokenizer(lines.readLine(), " ");
      previous += 8 * Long.parseLong(row.nextToken());
      address[k] = previous;
      type[k] = Integer.parseInt(row.nextToken());
      int size = Integer.parseInt(row.nextToken());
      flag[k] = Byte.parseByte(row.nextToken());
      bytes[k] = flag[k] == HeapImage.ATOMIC ? size : size - 16;
      gcType[type[k]] |= flag[k] != HeapImage.ATOMIC;
      refcount[k] = Long.parseLong(row.nextToken());
      refStart[k] = refs.size();
      while (row.hasMoreTokens()) {
        refs.add(k + Integer.parseInt(row.nextToken()));
      }
      if (flag[k] == HeapImage.TRACKED) {
        tracked.add(k);
      }
    }
    refStart[objects] = refs.size();
    List<Profile.Type> types = new ArrayList<>();
    for (int t = 0; t < gcType.length; t++) {
      types.add(new Profile.Type(header.get("types").get(t).textValue(), gcType[t], 16, 0, 0));
    }
    HeapImage heap =
        new HeapImage(
            mappings(address, bytes),
            List.of(),
            List.of(),
            new long[64][0],
            new long[0],
            address,
            type,
            bytes,
            flag,
            refcount,
            refStart,
            refs.toArray(),
            new int[objects + 1],
            new long[0],
            new int[0],
            new byte[0],
            null,
            new int[][] {{}, {}, tracked.toArray(), {}});
    int[] thresholds = {700, 10, 10};
    Profile.GcFacts gc =
        new Profile.GcFacts(
            true, thresholds, new int[] {0, 0, 0}, tracked.size(), 0, new long[3][3], 0);
    ProfileHeader facts =
        new ProfileHeader(
            "golden",
            "3.11.2",
            "2026-11-22",
            header.get("modules").intValue(),
            objects,
            tracked.size(),
            gc,
            new Profile.Sizes(16, 1 << 20, 1 << 14, 4096),
            types,
            List.of(new Profile.Endpoint("GET", "/", 1)),
            "");
    return new Profile(
        Path.of("heap_15000.txt.gz"),
        facts,
        heap,
        new RequestRecords(List.of(), RequestRecords.Gathering.NONE),
        new Profile.Pages(List.of(), List.of(), List.of(), List.of()),
        null);
  }

  /** One mapping for each run of objects without a gap of a mebibyte, its pages all present. */
  private static List<CapturedVma> mappings(long[] address, int[] bytes) {
    List<CapturedVma> vmas = new ArrayList<>();
    long start = (address[0] - 16) & -4096;
    long end = start;
    for (int k = 0; k <= address.length; k++) {
      if (k == address.length || address[k] - end > 1 << 20) {
        int pages = (int) ((end - start + 4095) >> 12);
        vmas.add(new CapturedVma(start, pages, CapturedVma.Kind.ANON, "", new int[] {0, pages}));
        if (k == address.length) {
          break;
        }
        start = (address[k] - 16) & -4096;
        end = start;
      }
      end = Math.max(end, address[k] + bytes[k]);
    }
    return vmas;
  }
}
