/* Logs where malloc puts the blocks of a drawn sequence, as offsets from the heap's start (M: in a
   mapping of its own). Usage: malloc_log SEED OPERATIONS. Nothing here allocates but the sequence. */
#include <gnu/libc-version.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#define SLOTS 600
static uint64_t state;
static char line[64];
static uint64_t draw(uint64_t n) {
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  return (state >> 33) % n;
}
static uint64_t size(void) {
  switch (draw(8)) {
    case 0: case 1: return 1 + draw(128);
    case 2: case 3: return 1 + draw(1100);
    case 4: case 5: return 400 + draw(300);
    case 6: return 1 + draw(9000);
    default: return draw(4) ? 1 + draw(70000) : 1 + draw(200000);
  }
}
static void *slots[SLOTS];
int main(int argc, char **argv) {
  int n = atoi(argv[2]), k0;
  state = strtoull(argv[1], 0, 10);
  k0 = sprintf(line, "V %s\n", gnu_get_libc_version());
  write(1, line, k0);
  char *start = sbrk(0);
  for (int i = 0; i < n; i++) {
    uint64_t slot = draw(SLOTS);
    /* Waves, so that the top grows and is trimmed. */
    int freeing = (i / 3000) % 2 ? draw(3) > 0 : 0;
    char *p = slots[slot];
    int k;
    if (p && !freeing && draw(3) == 0) {
      uint64_t bytes = size();
      p = realloc(p, bytes);
      k = sprintf(line, "R %lu %lu ", slot, bytes);
    } else if (p) {
      free(p);
      slots[slot] = 0;
      k = sprintf(line, "F %lu\n", slot);
      write(1, line, k);
      continue;
    } else if (freeing) {
      continue;
    } else {
      uint64_t bytes = size();
      p = malloc(bytes);
      k = sprintf(line, "A %lu %lu ", slot, bytes);
    }
    slots[slot] = p;
    if (p >= start && p < (char *)sbrk(0)) {
      k += sprintf(line + k, "%ld\n", p - start);
    } else {
      k += sprintf(line + k, "M\n");
    }
    write(1, line, k);
  }
  return 0;
}
