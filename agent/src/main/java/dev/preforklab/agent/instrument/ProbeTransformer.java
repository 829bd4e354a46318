package dev.preforklab.agent.instrument;

import static net.bytebuddy.matcher.ElementMatchers.isStatic;
import static net.bytebuddy.matcher.ElementMatchers.named;

import java.lang.instrument.ClassFileTransformer;
import java.security.ProtectionDomain;
import java.util.Set;
import java.util.function.Consumer;
import net.bytebuddy.ByteBuddy;
import net.bytebuddy.asm.Advice;
import net.bytebuddy.description.type.TypeDescription;
import net.bytebuddy.dynamic.ClassFileLocator;
import net.bytebuddy.dynamic.DynamicType;
import net.bytebuddy.dynamic.scaffold.MethodGraph;
import net.bytebuddy.implementation.Implementation;
import net.bytebuddy.pool.TypePool;
import org.jspecify.annotations.Nullable;

/**
 * Copies the advice into the probes as their class is loaded or retransformed.
 *
 * <p>Byte Buddy's AgentBuilder would look at each class the JVM loads; one class is all there is to
 * change, so a comparison of names is the whole matcher. Only method bodies change, hence a JVM
 * that already has the class can take the advice in and, at detaching, drop it.
 */
public final class ProbeTransformer implements ClassFileTransformer {
  private final Set<InstrumentationModule> modules;
  private final Consumer<String> report;

  public ProbeTransformer(Set<InstrumentationModule> modules, Consumer<String> report) {
    this.modules = modules;
    this.report = report;
  }

  @Override
  public byte @Nullable [] transform(
      @Nullable ClassLoader loader,
      @Nullable String className,
      @Nullable Class<?> classBeingRedefined,
      @Nullable ProtectionDomain protectionDomain,
      byte[] classfile) {
    if (className == null || !className.equals(ProbeContract.PROBES_INTERNAL_NAME)) {
      return null;
    }
    try {
      return instrument(className.replace('/', '.'), loader, classfile);
    } catch (Throwable t) {
      report.accept("the probes stay empty: " + t);
      return null;
    }
  }

  private byte[] instrument(String name, @Nullable ClassLoader loader, byte[] classfile) {
    ClassFileLocator probesLocator =
        new ClassFileLocator.Compound(
            ClassFileLocator.Simple.of(name, classfile),
            loader == null
                ? ClassFileLocator.ForClassLoader.ofBootLoader()
                : ClassFileLocator.ForClassLoader.of(loader));
    TypeDescription type = TypePool.Default.of(probesLocator).describe(name).resolve();
    ClassFileLocator adviceLocator =
        ClassFileLocator.ForClassLoader.of(ProbeTransformer.class.getClassLoader());
    DynamicType.Builder<?> builder =
        new ByteBuddy()
            .with(Implementation.Context.Disabled.Factory.INSTANCE)
            .with(MethodGraph.Compiler.ForDeclaredMethods.INSTANCE)
            .redefine(type, probesLocator);
    for (Probe probe : ProbeContract.matching(type, modules, report)) {
      builder =
          builder.visit(
              Advice.to(probe.advice(), adviceLocator)
                  .on(
                      named(probe.name())
                          .and(isStatic())
                          .and(
                              method ->
                                  method.getParameters().asTypeList().asErasures().stream()
                                      .map(TypeDescription::getName)
                                      .toList()
                                      .equals(probe.parameters()))));
    }
    return builder.make().getBytes();
  }
}
