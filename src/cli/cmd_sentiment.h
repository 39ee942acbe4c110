/* cmd_sentiment.h: `marquee sentiment`, texts on standard input to VADER's scores on standard
 * output.
 *
 *     marquee sentiment               a text a line        neg TAB neu TAB pos TAB compound
 *     marquee sentiment --jsonl       a JSON object a line the same; with --id NAME its id first
 *     marquee sentiment --transform   id TAB base64(text)  id first: for Spark's TRANSFORM
 *     marquee sentiment --explain     (with or without --jsonl) each word's valence, rule by rule
 *
 * --sentences appends a column to each row: sentences.h's score, the mean over the sentences.
 *
 * Numbers are written as Python writes them: 0.0, 0.4404, -0.128. Output keeps the order of the
 * input. A line that can't be scored is named on standard error with its number and gives no row;
 * with --transform it gives its id and \N (null) four times, since Spark wants a row for a row.
 */
#pragma once

/* Returns the exit code: 0 done; 1 input or output failed, or a line could not be scored (with
 * --transform it could be answered, so that is 0); 2 usage. argv[0] is the command's name. */
int cmd_sentiment(int argc, char **argv);
