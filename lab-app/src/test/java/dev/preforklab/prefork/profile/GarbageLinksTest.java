package dev.preforklab.prefork.profile;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every block of a request's garbage hangs on a ring as long as something has room for it. */
class GarbageLinksTest {
  private static final int HEADS = 32;

  @TempDir Path directory = Path.of(".");

  /** An object of 48 bytes has room for two references: one is the ring's. */
  @Test
  void ownedObjectsOwnWhatTheRingHasNoRoomFor() {
    // objects of 48 bytes each: one in a ring, five that it owns
    GarbageLinks links = links("[194,194,194,194,194,194]", "[[[0],[1,2,3,4,5]]]", "");
    assertThat(rows(links))
        .containsExactly(
            List.of(0, 2, 0, 1), // the ring of one, and the first
            List.of(~1, 2, 2, 3),
            List.of(~2, 2, 4, 5));
    assertThat(links.homeless).isEmpty();
  }

  @Test
  void whatNothingHasRoomForIsHomeless() {
    // an object with room for one reference more, and buffers, which own nothing
    GarbageLinks links = links("[194,64,64,64]", "[[[0],[1,2,3]]]", "");
    assertThat(rows(links)).containsExactly(List.of(0, 2, 0, 1));
    assertThat(links.homeless).containsExactly(2, 3);
  }

  /** A tuple that is in no cycle makes no ring: the next group owns it. */
  @Test
  void aTupleAloneHangsOnTheNextGroup() {
    String atomic = ",\"atomic\":[0],\"lost\":[3,0]";
    GarbageLinks links = links("[194,194,194]", "[[[0],[1]],[[2],[]]]", atomic);
    assertThat(rows(links)).containsExactly(List.of(2, 2, 2, 0), List.of(~0, 1, 1));
    assertThat(links.homeless).isEmpty();
    GarbageLinks last = links("[194,194,194]", "[[[2],[]],[[0],[1]]]", atomic);
    assertThat(last.homeless).containsExactly(0, 1);
  }

  private GarbageLinks links(String events, String garbage, String more) {
    SmallProfile profile =
        new SmallProfile()
            .edit(
                "{\"request",
                "\"events\":[258,129,257,-1],\"garbage\":[[[0],[1]]],\"carried\":[],\"held\":[]",
                "\"events\":" + events + ",\"garbage\":" + garbage + ",\"carried\":[]" + more);
    Profile read = ProfileReader.read(profile.write(directory.resolve("links.profile.gz")));
    return GarbageLinks.of(read.requests.traces().get(0), HEADS);
  }

  private static List<List<Integer>> rows(GarbageLinks links) {
    List<List<Integer>> rows = new ArrayList<>();
    for (int i = 0; i < links.records.length; ) {
      List<Integer> row = new ArrayList<>();
      for (int end = i + 2 + links.records[i + 1]; i < end; i++) {
        row.add(links.records[i]);
      }
      rows.add(row);
    }
    return rows;
  }
}
