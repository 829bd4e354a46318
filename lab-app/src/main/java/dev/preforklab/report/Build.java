package dev.preforklab.report;

/** Which build made a result; every JSON output opens with it. */
public record Build(String version, String commit) {}
