/**
 * The live page and its HTTP interface, on the JDK's own server. Start with {@link
 * dev.preforklab.web.WebServer}: its table of routes is the list of what the page can ask for. The
 * page itself is in the resources under {@code web/}.
 */
@NullMarked
package dev.preforklab.web;

import org.jspecify.annotations.NullMarked;
