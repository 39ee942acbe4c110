#include "base/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void memory_be_frugal(void)
{
    mallopt(M_ARENA_MAX, MEMORY_ARENAS_MAX);
    mallopt(M_MMAP_THRESHOLD, MEMORY_LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, MEMORY_LARGE_BYTES);
}

/* Only whole pages of segments that nobody can have written: dropping a written page would lose it.
 */
static void drop_segment(const struct dl_phdr_info *library, const ElfW(Phdr) * segment)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = library->dlpi_addr + segment->p_vaddr, end = start + segment->p_filesz;
    start = (start + page - 1) & ~(page - 1);
    end &= ~(page - 1);
    if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) && start < end)
        madvise((void *)start, end - start, MADV_DONTNEED);
}

static int drop_if_named(struct dl_phdr_info *library, size_t size, void *data)
{
    (void)size;
    const char *slash = strrchr(library->dlpi_name, '/');
    const char *file = slash ? slash + 1 : library->dlpi_name, *name = data;
    if (strncmp(file, name, strlen(name)) != 0)
        return 0;
    for (int i = 0; i < library->dlpi_phnum; i++)
        drop_segment(library, &library->dlpi_phdr[i]);
    return 1;
}

void memory_drop_library(const char *name)
{
    dl_iterate_phdr(drop_if_named, (void *)name);
}
