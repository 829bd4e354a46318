/**
 * Heap recipes in the simulated interpreter: what a parent's code builds, object by object in the
 * order in which ordinary bytecode allocates, and what one act of a forked child then copies.
 *
 * <p>Read {@link dev.preforklab.cpython.recipe.RecipeRunner} first. {@link
 * dev.preforklab.cpython.recipe.Baseline} is the state of a real bare interpreter on which the heap
 * is built; {@link dev.preforklab.cpython.recipe.Mutator} makes the objects.
 */
@NullMarked
package dev.preforklab.cpython.recipe;

import org.jspecify.annotations.NullMarked;
