/* vader_pipe.c: scores texts for the differential test, exactly and without printing numbers.
 *
 * In: frames of a 4-byte length in the machine's byte order and so many bytes of text. Out: for
 * each a struct vader_scores as it lies in memory. Ends at end of input; exit code 1 if that
 * comes inside a frame.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sentiment/vader.h"

int main(void)
{
    char *text = NULL;
    uint32_t len, capacity = 0;
    int code = EXIT_SUCCESS;

    setvbuf(stdout, NULL, _IONBF, 0); /* whoever asks waits for the answer */
    while (fread(&len, sizeof len, 1, stdin) == 1) {
        if (len > capacity || !text) {
            /* The exact size, so that a sanitizer sees a read past the end. */
            free(text);
            capacity = len;
            text = malloc(len ? len : 1);
            if (!text)
                abort();
        }
        if (len && fread(text, len, 1, stdin) != 1) {
            code = EXIT_FAILURE;
            break;
        }
        struct vader_scores scores;
        vader_score(text, len, &scores);
        if (fwrite(&scores, sizeof scores, 1, stdout) != 1) {
            code = EXIT_FAILURE;
            break;
        }
    }
    free(text);
    return code;
}
