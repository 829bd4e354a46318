package dev.preforklab;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.Architectures;
import com.tngtech.archunit.library.dependencies.SlicesRuleDefinition;
import java.time.Clock;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.Timer;
import java.util.concurrent.Executors;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.ThreadPoolExecutor;

/** The arrows between the packages, and what keeps a run a function of its inputs. */
@AnalyzeClasses(packages = "dev.preforklab", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String BASE = "dev.preforklab.";

  /** From the bottom up: each may use those before it. */
  private static final String[] LAYERS = {
    "sim", "machine", "cpython", "prefork", "load", "scenario", "experiment", "report", "web", "cli"
  };

  @ArchTest static final ArchRule arrowsPointOneWay = arrows();

  private static ArchRule arrows() {
    Architectures.LayeredArchitecture layers =
        Architectures.layeredArchitecture()
            .consideringOnlyDependenciesInAnyPackage("dev.preforklab..")
            .withOptionalLayers(true)
            .layer("probe")
            .definedBy(BASE + "probe..");
    for (String layer : LAYERS) {
      layers = layers.layer(layer).definedBy(BASE + layer + "..");
    }
    for (int i = 0; i < LAYERS.length; i++) {
      String[] above = java.util.Arrays.copyOfRange(LAYERS, i + 1, LAYERS.length);
      layers =
          above.length == 0
              ? layers.whereLayer(LAYERS[i]).mayNotBeAccessedByAnyLayer()
              : layers.whereLayer(LAYERS[i]).mayOnlyBeAccessedByLayers(above);
    }
    return layers
        .whereLayer("probe")
        .mayOnlyBeAccessedByLayers("machine", "cpython", "prefork", "load", "experiment");
  }

  @ArchTest
  static final ArchRule reportsDoNotKnowThePage =
      noClasses()
          .that()
          .resideInAPackage(BASE + "report..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage(BASE + "web..");

  @ArchTest
  static final ArchRule probesDependOnNothing =
      classes()
          .that()
          .resideInAPackage(BASE + "probe")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("java.lang", BASE + "probe", "org.jspecify.annotations");

  @ArchTest
  static final ArchRule interpreterReachesTheMachineThroughOneDoor =
      noClasses()
          .that()
          .resideInAPackage(BASE + "cpython..")
          .and()
          .haveNameNotMatching(".*\\.MachineHost(\\$.*)?")
          .should()
          .dependOnClassesThat()
          .resideInAPackage(BASE + "machine..");

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      SlicesRuleDefinition.slices().matching(BASE + "(*)..").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule wallClockIsReadByPacerPageAndCliOnly =
      noClasses()
          .that()
          .resideOutsideOfPackages(BASE + "web..", BASE + "cli..")
          .and()
          .haveNameNotMatching(".*\\.Pacer(\\$.*)?")
          .should()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(System.class, "nanoTime")
          .orShould()
          .callMethodWhere(
              target(nameMatching("now")).and(target(owner(nameMatching("java\\.time\\..*")))))
          .orShould()
          .accessClassesThat(assignableTo(Clock.class))
          .orShould()
          .callMethod(Thread.class, "sleep", long.class)
          .orShould()
          .callConstructor(java.util.Date.class);

  @ArchTest
  static final ArchRule threadsAreStartedByPacerPageAndCliOnly =
      noClasses()
          .that()
          .resideOutsideOfPackages(BASE + "web..", BASE + "cli..")
          .and()
          .haveNameNotMatching(".*\\.Pacer(\\$.*)?")
          .should()
          .accessClassesThat(
              belongToAnyOf(
                  Executors.class, ThreadPoolExecutor.class, ForkJoinPool.class, Timer.class))
          .orShould()
          .callMethod(Thread.class, "start")
          .orShould()
          .callConstructor(Thread.class, Runnable.class)
          .orShould()
          .callConstructor(Thread.class, Runnable.class, String.class);

  @ArchTest
  static final ArchRule randomNumbersComeFromSeededStreams =
      noClasses()
          .should()
          .callMethod(Math.class, "random")
          .orShould()
          .callConstructor(Random.class)
          .orShould()
          .callConstructor(SplittableRandom.class)
          .orShould()
          .accessClassesThat(
              belongToAnyOf(ThreadLocalRandom.class, java.security.SecureRandom.class))
          .orShould()
          .callMethod(java.util.UUID.class, "randomUUID")
          .orShould()
          .callMethod(System.class, "identityHashCode", Object.class);
}
