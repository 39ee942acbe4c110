/* Runs a fuzz target over the files of the folders named on the command line: the corpus and every
 * input that once crashed are plain tests, with any compiler. */
#include <stdint.h>
#include <stdio.h>

#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The number of files; -1 where the folder or a file can't be read. */
static int replay_folder(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    if (!dir)
        return -1;
    int files = 0;
    for (const char *name; (name = g_dir_read_name(dir)); files++) {
        g_autofree char *path = g_build_filename(folder, name, NULL), *bytes = NULL;
        size_t len;
        if (!g_file_get_contents(path, &bytes, &len, NULL))
            return -1;
        printf("%s\n", path); /* the last one is the one that crashed */
        fflush(stdout);
        /* A copy of the exact length: reading past the end is then seen by the address sanitizer.
         */
        g_autofree uint8_t *exact = g_memdup2(bytes, len);
        LLVMFuzzerTestOneInput(exact, len);
    }
    return files;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (replay_folder(argv[i]) <= 0) {
            fprintf(stderr, "%s: expected a folder with inputs, found none that can be read\n",
                    argv[i]);
            return 1;
        }
    return argc > 1 ? 0 : 1;
}
