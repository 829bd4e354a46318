@NullMarked
package dev.preforklab.web;

import org.jspecify.annotations.NullMarked;
