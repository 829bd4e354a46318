package dev.preforklab.scenario;

import java.util.Collection;

/** Finds the known name that a mistyped one is nearest to. */
public final class Suggestions {
  private Suggestions() {}

  /** "; did you mean X?" for a name within a few letters, else nothing. */
  public static String didYouMean(String name, Collection<String> known) {
    String best = "";
    int bestDistance = Math.min(3, Math.max(1, name.length() / 3)) + 1;
    for (String candidate : known) {
      int distance = distance(name, candidate);
      boolean sameLeaf = candidate.endsWith("." + name);
      if (sameLeaf) {
        distance = 0;
      }
      if (distance < bestDistance) {
        bestDistance = distance;
        best = candidate;
      }
    }
    return best.isEmpty() ? "" : "; did you mean " + best + "?";
  }

  /** Levenshtein distance; names are short. */
  private static int distance(String a, String b) {
    if (Math.abs(a.length() - b.length()) > 3) {
      return Integer.MAX_VALUE;
    }
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitution = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substitution, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
