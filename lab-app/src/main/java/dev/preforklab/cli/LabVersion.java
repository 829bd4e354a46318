package dev.preforklab.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IVersionProvider;

/** Which build this is. */
final class LabVersion implements IVersionProvider {
  LabVersion() {}

  /** The version in the jar's manifest, or "dev" when run from classes. */
  static String version() {
    @Nullable String version = LabVersion.class.getPackage().getImplementationVersion();
    return version == null ? "dev" : version;
  }

  /** The commit that was built, if the launcher knows it. */
  static String commit() {
    return System.getProperty("lab.commit", "unknown");
  }

  @Override
  public String[] getVersion() {
    return new String[] {"prefork-lab " + version() + ", commit " + commit()};
  }
}
