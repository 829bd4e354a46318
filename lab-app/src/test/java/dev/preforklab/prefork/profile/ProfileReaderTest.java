package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProfileReaderTest {
  @TempDir Path directory = Path.of(".");

  private Path file() {
    return directory.resolve("app.profile.gz");
  }

  @Test
  void readsWhatWasWritten() {
    Profile profile = ProfileReader.read(new SmallProfile().write(file()));
    assertThat(profile.name()).isEqualTo("small");
    assertThat(profile.release()).isEqualTo("3.11");
    assertThat(profile.objects()).isEqualTo(4);
    assertThat(profile.trackedObjects()).isEqualTo(3);
    assertThat(profile.endpoints()).containsExactly(new Profile.Endpoint("GET", "/", 1));
    assertThat(profile.heap.address)
        .containsExactly(
            SmallProfile.POOL + 64,
            SmallProfile.POOL + 128,
            SmallProfile.POOL + 192,
            SmallProfile.POOL + 240);
    assertThat(profile.heap.refs).containsExactly(1, 0, 3);
    assertThat(profile.heap.generations[2]).containsExactly(0, 1, 2);
    RequestTrace trace = profile.requests.traces().get(0);
    assertThat(trace.events).containsExactly(258, 129, 257, ~2);
    assertThat(trace.garbage.gc()).containsExactly(0);
    assertThat(trace.garbage.owned()).containsExactly(1);
  }

  @Test
  void everyPrefixOfTheFileIsRefused() throws IOException {
    byte[] whole = new SmallProfile().bytes();
    for (int length = 0; length < whole.length; length += 3) {
      Files.write(file(), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> ProfileReader.read(file()))
          .as("first %d bytes", length)
          .isInstanceOf(ProfileException.class)
          .hasMessageContaining("app.profile.gz")
          .hasMessageNotContaining("\n");
    }
  }

  @Test
  void everyFlippedByteIsRefusedOrHarmless() throws IOException {
    byte[] whole = new SmallProfile().bytes();
    // the ten bytes of the gzip header tell a time and a system, which nobody checks
    for (int at = 10; at < whole.length; at++) {
      byte[] damaged = whole.clone();
      damaged[at] ^= 0x55;
      Files.write(file(), damaged);
      assertThatThrownBy(() -> ProfileReader.read(file()))
          .as("byte %d flipped", at)
          .isInstanceOf(ProfileException.class);
    }
  }

  @Test
  void missingFileDirectoryAndForeignContentAreNamed() throws IOException {
    assertThatThrownBy(() -> ProfileReader.read(file()))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining("no such file");
    assertThatThrownBy(() -> ProfileReader.read(directory))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining("directory");
    Files.write(file(), "hello".getBytes(StandardCharsets.UTF_8));
    assertThatThrownBy(() -> ProfileReader.read(file()))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining("gzip");
    Files.write(file(), SmallProfile.gzip("[1,2]"));
    assertThatThrownBy(() -> ProfileReader.read(file()))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining("not a profile");
    Files.write(file(), SmallProfile.gzip("{\"a\":1}\n"));
    assertThatThrownBy(() -> ProfileReader.read(file()))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining("not a profile");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"prefork_profile | \"prefork_profile\":1 | \"prefork_profile\":9 | schema 9",
        "{\"prefork_profile | \"objects\":4 | \"objects\":5 | 5 objects",
        "{\"prefork_profile | \"objects\":4 | \"objects\":-4 | \"objects\"",
        "{\"prefork_profile | \"tracked\":3 | \"tracked\":2 | 2 tracked",
        "{\"prefork_profile | cpython | pypy | pypy",
        "{\"prefork_profile | [700,10,10] | [700,10] | gc.thresholds",
        "{\"vma | [0,4] | [0,400] | runs",
        "{\"vma | anon | weird | weird",
        "{\"objs | [1]] | [99]] | refers",
        "{\"objs | ,0,40,1,1,[1]] | ,7,40,1,1,[1]] | type 7",
        "{\"gc_list | [0,1,1] | [0,1,2] | not tracked",
        "{\"gc_list | [0,1,1] | [0,1] | tracked objects",
        "{\"pool | [304] | [7] | offset 7",
        "{\"free_pools | ,[] | ,\"x\" | array",
        "{\"request | -1] | -9] | not there",
        "{\"request | [258,129,257,-1] | [258,129,257] | neither freed",
        "{\"request | [[[0],[1]]] | [[[1],[0]]] | no GC head",
        "{\"request | \"endpoint\":0 | \"endpoint\":3 | endpoint 3",
        "{\"request | warm | cold | no warm request",
        "{\"touched | touched | teached | unknown record",
        "{\"appeared | \"appeared\":[1,\"file_ro\",3] | \"copies\":[1,[0,1]] | endpoint 1",
        "{\"appeared | \"appeared\":[1,\"file_ro\",3] | \"gathers\":{\"limit\":3,\"waiting\":4} | 4 of at most 3",
        "{\"appeared | \"appeared\":[1,\"file_ro\",3] | \"gathers\":{\"waiting\":0} | 0 of at most 0",
        "{\"appeared | \"appeared\":[1,\"file_ro\",3] | \"gathers\":[3,4] | must be an object",
        "{\"request | \"state\" | \"after\":[1],\"state\" | after has no endpoints of the profile: [1]",
        "{\"request | \"state\" | \"shares\":[0],\"state\" | shares has no endpoints of the profile: [0]",
        "{\"touched | \"touched\":[1,[ | \"touched\":[1,7,[-1, | -1 is no address",
        "{\"touched | \"touched\":[1,[ | \"touched\":[1,140737488355328,[1, | is no address",
        "{\"touched | \"touched\":[1,[ | \"touched\":[1,\"x\",[1, | a whole number is missing",
        "{\"request | \"garbage\":[[[0],[1]]] | \"gathered\":[1],\"garbage\":[] | gathered object 1 is no object",
        "{\"request | \"garbage\":[[[0],[1]]] | \"gathered\":[0],\"garbage\":[],\"held\":[1] | no gathers record",
        "{\"appeared | \"appeared\":[1,\"file_ro\",3] | \"copies\":[0,[1,1]] | runs of 2 pages",
      })
  void contradictionsAreNamed(String line, String what, String by, String message) {
    new SmallProfile().edit(line, what, by).write(file());
    assertThatThrownBy(() -> ProfileReader.read(file()))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining(message);
  }

  private static final String LOAD_START =
      "{\"load\":{\"allocations\":5,\"step\":2,\"events\":\"aaaAbaB\",\"at_start\":{\"counts\":[0,0,0],"
          + "\"generations\":[1,2,3],\"long_lived\":[0,0],\"stats\":[[0,0,0],[0,0,0],[0,0,0]],"
          + "\"free_lists\":[[1,0]]},";

  private static final String COLUMNS =
      "\"columns\":{\"unlisted\":[0,1,0],\"ends\":[0,1,0],\"losses\":[0,0,2],\"age\":[1],"
          + "\"ended\":[1],\"lost_age\":[1,2],\"holder_age\":[1,2],\"list\":[1,96],\"lost\":[1,1]}}}";

  private static final String EXACT =
      "\"columns\":{\"unlisted\":[0,1,0],\"ends\":[0,1,0],\"age\":[1],\"ended\":[1],"
          + "\"lost_after\":[4,0],\"lost_age\":[2,4],\"holder_age\":[2,4],"
          + "\"leader_older\":[0,0],\"list\":[1,96],\"lost\":[1,1]}}}";

  /** Five objects loaded; garbage object by object, and by steps as older profiles say it. */
  @Test
  void aLoadIsReadObjectByObjectAsByStepsOfThem() {
    int[] thresholds = {1, 1, 1};
    String[] forms = {COLUMNS, EXACT};
    Profile.GcFacts[] read = new Profile.GcFacts[2];
    for (int form = 0; form < 2; form++) {
      SmallProfile small = new SmallProfile();
      small.lines.add(7, LOAD_START + forms[form]);
      small.write(file());
      read[form] = ProfileReader.read(file()).loadedUnder(thresholds).gc();
    }
    assertThat(read[0].stats()[0][0]).isPositive();
    assertThat(read[0].counts()).containsExactly(read[1].counts());
    assertThat(read[0].stats()).isDeepEqualTo(read[1].stats());
    assertThat(read[0].longLivedTotal()).isEqualTo(read[1].longLivedTotal());
    assertThat(read[0].longLivedPending()).isEqualTo(read[1].longLivedPending());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"unlisted\":[0,1,0] | \"unlisted\":[0,1] | unlisted are 2 of 3 steps",
        "\"ends\":[0,1,0] | \"ends\":[0,2,0] | load.columns.ends are more than its rows",
        "\"ends\":[0,1,0] | \"ends\":[0,0,0] | load.columns.ends are not as many",
        "\"lost\":[1,1] | \"lost\":[1] | load.columns.losses: its columns must be as long",
        "\"losses\":[0,0,2] | \"losses\":[0,0,0,2] | load.columns.losses are 4 of 3 steps",
        "\"losses\":[0,0,2] | \"losses\":[0,2] | load.columns.losses are 2 of 3 steps",
        "\"list\":[1,96], | '' | load.columns without list",
        "\"list\":[1,96] | \"list\":[1,960] | is 960",
        "\"age\":[1] | \"age\":[4] | is 4",
        "\"columns\":{ | \"column\":{ | load.columns without unlisted",
        "\"columns\":{ | \"events\":\"\",\"columns\":{\"check_after\":[1], | check_after without load.events",
      })
  void contradictionsOfALoadAreNamed(String what, String by, String message) {
    SmallProfile small = new SmallProfile();
    small.lines.add(7, LOAD_START + COLUMNS);
    small.edit("{\"load", what, by).write(file());
    assertThatThrownBy(() -> ProfileReader.read(file()))
        .isInstanceOf(ProfileException.class)
        .hasMessageContaining(message);
  }
}
