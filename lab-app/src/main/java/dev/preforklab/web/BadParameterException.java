package dev.preforklab.web;

/** A parameter of a request is missing or wrong; the message names it. Answered with status 400. */
final class BadParameterException extends Exception {
  private static final long serialVersionUID = 1L;

  BadParameterException(String parameter, String problem) {
    super(parameter + ": " + problem);
  }
}
