package dev.preforklab.web;

import com.sun.net.httpserver.Headers;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Keeps web pages of other sites from steering the lab through the user's browser. A request that
 * changes something must name this server in {@code Host} (else a foreign name was bound to our
 * address: DNS rebinding), and if a browser says where the request comes from, it must come from
 * our own page.
 */
final class OriginGuard {
  private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");
  private static final Pattern IPV6 = Pattern.compile("\\[[0-9a-f:.]+]");

  /** One label, no dot: the name of a container or a machine in the local network. */
  private static final Pattern LOCAL_NAME = Pattern.compile("[a-z0-9_-]+");

  private final String listenHost;
  private final boolean loopbackOnly;

  OriginGuard(String listenHost, boolean loopbackOnly) {
    this.listenHost = listenHost.toLowerCase(Locale.ROOT);
    this.loopbackOnly = loopbackOnly;
  }

  /** Why the request is refused, in one line, or null if it may pass. */
  @Nullable String refusal(Headers headers) {
    String host = headers.getFirst("Host");
    if (host == null || !isOwnName(host)) {
      return "Host: " + Parameters.quote(host == null ? "" : host) + " is not this server";
    }
    String origin = headers.getFirst("Origin");
    if (origin != null && !isSameOrigin(origin, host)) {
      return "Origin: " + Parameters.quote(origin) + " may not change this run";
    }
    String site = headers.getFirst("Sec-Fetch-Site");
    if (site != null && !site.equals("same-origin") && !site.equals("none")) {
      return "Sec-Fetch-Site: requests from other sites may not change this run";
    }
    return null;
  }

  private boolean isOwnName(String hostHeader) {
    String name = withoutPort(hostHeader.toLowerCase(Locale.ROOT));
    if (name.equals("localhost") || name.equals(listenHost) || isLoopbackLiteral(name)) {
      return true;
    }
    // An address needs no name service, so it cannot be a rebound name.
    return !loopbackOnly
        && (IPV4.matcher(name).matches()
            || IPV6.matcher(name).matches()
            || LOCAL_NAME.matcher(name).matches());
  }

  private static boolean isLoopbackLiteral(String name) {
    return name.equals("[::1]") || (name.startsWith("127.") && IPV4.matcher(name).matches());
  }

  private static boolean isSameOrigin(String origin, String host) {
    return origin.equalsIgnoreCase("http://" + host) || origin.equalsIgnoreCase("https://" + host);
  }

  private static String withoutPort(String host) {
    int colon = host.lastIndexOf(':');
    return colon < 0 || host.endsWith("]") ? host : host.substring(0, colon);
  }
}
