package dev.preforklab.web;

import com.sun.net.httpserver.HttpExchange;
import dev.preforklab.experiment.live.HostSnapshot;
import dev.preforklab.experiment.live.LiveControl;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The requests that change a run. Each checks its parameters, hands them on and answers with what
 * it understood; they take effect between two simulated events.
 */
final class ControlApi {
  static final double MIN_RATE_RPS = 0.1;
  static final double MAX_RATE_RPS = 100_000;
  static final double MIN_SPEED = 0.01;
  static final double MAX_SPEED = 1000;

  private final LiveControl control;

  ControlApi(LiveControl control) {
    this.control = control;
  }

  /** {@code POST /api/restart?gc=NAME|all&mode=rolling|full}. */
  void restart(HttpExchange exchange) throws IOException, BadParameterException {
    Parameters parameters = parameters(exchange, "gc", "mode");
    String gc = parameters.text("gc");
    String mode = parameters.oneOf("mode", "rolling", "full");
    if (!control.restart(gc, mode.equals("rolling"))) {
      List<String> known = new ArrayList<>();
      for (HostSnapshot host : control.snapshot().hosts()) {
        known.add(host.gc());
      }
      known.add("all");
      throw new BadParameterException(
          "gc", Parameters.quote(gc) + " is not one of " + String.join(", ", known));
    }
    Map<String, Object> answer = new LinkedHashMap<>();
    answer.put("gc", gc);
    answer.put("mode", mode);
    Reply.json(exchange, 200, SnapshotJson.object(answer));
  }

  /** {@code POST /api/rate?rps=}: requests a simulated second, offered to each host. */
  void rate(HttpExchange exchange) throws IOException, BadParameterException {
    double rps = parameters(exchange, "rps").number("rps", MIN_RATE_RPS, MAX_RATE_RPS);
    control.setRate(rps);
    Reply.json(exchange, 200, SnapshotJson.object(Map.of("rps", rps)));
  }

  /** {@code POST /api/speed?x=}: simulated seconds in a second of wall time. */
  void speed(HttpExchange exchange) throws IOException, BadParameterException {
    double factor = parameters(exchange, "x").number("x", MIN_SPEED, MAX_SPEED);
    control.setSpeed(factor);
    Reply.json(exchange, 200, SnapshotJson.object(Map.of("x", factor)));
  }

  private static Parameters parameters(HttpExchange exchange, String... names)
      throws BadParameterException {
    Set<String> allowed = new TreeSet<>(List.of(names));
    return Parameters.parse(exchange.getRequestURI().getRawQuery(), allowed);
  }
}
