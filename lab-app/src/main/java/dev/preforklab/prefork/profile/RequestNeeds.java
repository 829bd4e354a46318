package dev.preforklab.prefork.profile;

import dev.preforklab.sim.Prng;
import java.util.List;

/**
 * Which inherited pages the n-th request of the service touches, whichever worker takes it, beyond
 * those of the first round of all endpoints: as measured in a child that served nothing else. A
 * worker takes some of the requests only, and what it has touched depends on which.
 *
 * <p>Recorded are the first requests of the service. For a later one any of its endpoint stands in:
 * were they repeated in turn, a service whose workers take turns too would give each worker the
 * same ones again and again, which no real one does.
 */
final class RequestNeeds {
  private final int endpoints;

  /** Whole rounds of the endpoints that are recorded. */
  private final int rounds;

  /** Accesses as in {@link InheritedPages}; those of request n (from 0) begin at start[n]. */
  private final long[] accesses;

  private final int[] start;

  private RequestNeeds(int endpoints, int rounds, long[] accesses, int[] start) {
    this.endpoints = endpoints;
    this.rounds = rounds;
    this.accesses = accesses;
    this.start = start;
  }

  static RequestNeeds of(Profile profile, AddressMap map) {
    List<Profile.Touched> needs = profile.pages.needs();
    int endpoints = profile.endpoints().size();
    int last = needs.isEmpty() ? 0 : needs.get(needs.size() - 1).request();
    int rounds = (last + endpoints - 1) / endpoints;
    int[] start = new int[Math.max(1, rounds * endpoints) + 1];
    LongArray all = new LongArray(1 << 10);
    int n = 0;
    for (Profile.Touched need : needs) {
      while (n < need.request()) {
        start[n++] = all.size();
      }
      for (long page : need.pages()) {
        long access = InheritedPages.accessTo(profile.heap, map, page << 12);
        if (access > 0) {
          all.add(access);
        }
      }
    }
    while (n < start.length) {
      start[n++] = all.size();
    }
    return new RequestNeeds(endpoints, rounds, all.toArray(), start);
  }

  /** The recorded request that stands for one of an endpoint. */
  int recorded(int endpoint, long request, Prng draws) {
    if (rounds == 0) {
      return 0;
    }
    long round = request / endpoints;
    return endpoint + (round < rounds ? (int) round : draws.nextInt(rounds)) * endpoints;
  }

  int begin(int recorded) {
    return start[recorded];
  }

  int end(int recorded) {
    return start[recorded + 1];
  }

  long access(int index) {
    return accesses[index];
  }
}
