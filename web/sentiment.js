/* The chosen movie's sentiment, below its popularity. Uses app.js. */
"use strict";

async function refreshSentiment(id, days) {
  const grain = days >= DAILY_FROM_DAYS ? "day" : "hour";
  try {
    const answer = await ask(`/api/v1/movies/${id}/sentiment?window=${days}d&granularity=${grain}`);
    if (id !== state.chosen || days !== state.days) return;
    state.sentiment = answer.data;
    showSentiment();
  } catch (error) {
    if (id === state.chosen) $("sentiment-part").hidden = true;
  }
}

const signed = (value) => `${value < 0 ? "−" : "+"}${two.format(Math.abs(value))}`;

/* [x, batch, speed]: a bar stands on the start of its hour or day. */
function sentimentSeries() {
  const points = state.sentiment.points;
  return [points.map((point) => Date.parse(point.start) / 1000),
          points.map((point) => point.source !== "speed" ? point.avg_sentiment : null),
          points.map((point) => point.source === "speed" ? point.avg_sentiment : null)];
}

function showSentiment() {
  const {total, points, granularity} = state.sentiment, some = points.length > 0;
  $("sentiment-part").hidden = false;
  $("sentiment").hidden = !some;
  const days = `${state.days} day${state.days > 1 ? "s" : ""}`;
  setText("sentiment-facts", some
    ? `${signed(total.avg_sentiment)} on average over ${whole.format(total.review_count)} review${total.review_count > 1 ? "s" : ""} in ${days}: ${whole.format(total.positive_count)} positive, ${whole.format(total.neutral_count)} neutral, ${whole.format(total.negative_count)} negative`
    : `No review in ${days}. They appear here as soon as ingestion finds some.`);
  $("sentiment").setAttribute("aria-label", some ? `Average sentiment by ${granularity}, ${points.length} of them, ${signed(total.avg_sentiment)} altogether` : "No sentiment yet");
  if (state.sentimentPlot) { state.sentimentPlot.destroy(); state.sentimentPlot = null; }
  if (some) makeSentimentPlot();
}

function drawZero(plot) {
  const {left, width} = plot.bbox, y = plot.valToPos(0, "y", true), context = plot.ctx;
  context.save();
  context.strokeStyle = css("--muted");
  context.lineWidth = devicePixelRatio;
  context.beginPath();
  context.moveTo(left, y);
  context.lineTo(left + width, y);
  context.stroke();
  context.restore();
}

function makeSentimentPlot() {
  const box = $("sentiment"), axis = axisStyle(), points = state.sentiment.points;
  const bars = (label, color) => ({label, stroke: color, fill: color, points: {show: false}, paths: uPlot.paths.bars({size: [0.7, 14]}),
    value: (plot, value, series, index) => value == null ? "–" : `${signed(value)} (${points[index].review_count})`});
  state.sentimentPlot = new uPlot({
    width: box.clientWidth, height: SENTIMENT_HEIGHT, tzDate: utcDate,
    // Below the popularity's hours, so that one can be read against the other.
    scales: {x: {range: (plot, min, max) => state.plot ? [state.plot.scales.x.min, state.plot.scales.x.max] : [min - 3600, max + 3600]}, y: {range: [-1, 1]}},
    axes: [{...axis, values: timeLabels, size: 34}, {...axis, size: 64, splits: () => [-1, 0, 1], values: (plot, values) => values.map((value) => value > 0 ? "+1" : value < 0 ? "−1" : "0")}],
    series: [hourSeries, bars("batch, exact", css("--batch")), bars("speed, seconds fresh", css("--speed"))],
    legend: {show: false},
    hooks: {drawClear: [drawSides], draw: [drawZero]},
    cursor: {sync: {key: "movie"}, points: {show: false}},
  }, sentimentSeries(), box);
}
