package dev.preforklab.load;

import java.util.function.DoubleSupplier;

/** Which endpoint each request asks for. */
public abstract class RequestMix {
  /** The next request's endpoint. */
  public abstract int next();

  /**
   * One endpoint after another, each as often in a row as its weight, then from the start: every
   * run of the same length asks for the same.
   *
   * @param weights by endpoint; 0 leaves an endpoint out
   */
  public static RequestMix inTurn(int[] weights) {
    int[] cumulated = cumulate(weights);
    int total = cumulated[cumulated.length - 1];
    return new RequestMix() {
      private int position = -1;

      @Override
      public int next() {
        position = position + 1 == total ? 0 : position + 1;
        return find(cumulated, position);
      }
    };
  }

  /**
   * Drawn independently, each endpoint as likely as its weight says.
   *
   * @param uniform draws from [0, 1)
   */
  public static RequestMix random(int[] weights, DoubleSupplier uniform) {
    int[] cumulated = cumulate(weights);
    int total = cumulated[cumulated.length - 1];
    return new RequestMix() {
      @Override
      public int next() {
        return find(cumulated, (int) (uniform.getAsDouble() * total));
      }
    };
  }

  private static int[] cumulate(int[] weights) {
    int[] cumulated = new int[weights.length];
    int total = 0;
    for (int i = 0; i < weights.length; i++) {
      if (weights[i] < 0) {
        throw new IllegalArgumentException("weight " + weights[i] + " of endpoint " + i);
      }
      total = Math.addExact(total, weights[i]);
      cumulated[i] = total;
    }
    if (total == 0) {
      throw new IllegalArgumentException("no endpoint has a weight above 0");
    }
    return cumulated;
  }

  private static int find(int[] cumulated, int position) {
    int endpoint = 0;
    while (cumulated[endpoint] <= position) {
      endpoint++;
    }
    return endpoint;
  }
}
