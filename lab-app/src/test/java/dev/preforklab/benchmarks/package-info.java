/**
 * JMH benchmarks; not part of the test suite. Start with {@link
 * dev.preforklab.benchmarks.FullCollectionBenchmark}.
 *
 * <p>To run one: {@code mvn -q -pl lab-app test-compile
 * org.codehaus.mojo:exec-maven-plugin:3.5.1:exec -Dexec.executable=java -Dexec.classpathScope=test
 * "-Dexec.args=-cp %classpath org.openjdk.jmh.Main FullCollectionBenchmark"}. The real
 * interpreter's side: {@code python3.11 lab-app/src/test/python/full_collection.py local} (or
 * random, lists).
 */
@NullMarked
package dev.preforklab.benchmarks;

import org.jspecify.annotations.NullMarked;
