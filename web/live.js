/* The dashboard's live panels: ranks and rates, as the event stream tells them. Uses app.js. */
"use strict";

const LIVE_MINUTES = 60;
/* In this order; distinct: values of minutes don't add up. */
const LIVE_METRICS = [
  {name: "records.movie.ratings", label: "Ratings"},
  {name: "records.movie.metadata", label: "Movie facts"},
  {name: "records.movie.reviews", label: "Reviews"},
  {name: "records.user.events", label: "Users' events"},
  {name: "events.view", label: "views", part: true},
  {name: "events.click", label: "clicks", part: true},
  {name: "events.search", label: "searches", part: true},
  {name: "events.watchlist", label: "watch lists", part: true},
  {name: "events.rate", label: "ratings by users", part: true},
  {name: "events.share", label: "shares", part: true},
  {name: "users", label: "Distinct users", distinct: true},
  {name: "movies", label: "Active movies", distinct: true},
];

/* ---- ranks ---- */

let ranks = new Map();

/* A title that the list doesn't know. */
function titleElsewhere(id) {
  const known = ranks.get(id) || state.found.find((movie) => movie.movie_id === id);
  return (known && known.title) || `Movie ${id}`;
}

const rankTitle = (id) => { const movie = state.movies.get(id); return movie && movie.title ? movie.title : titleElsewhere(id); };

function makeRank(id) {
  const row = element("tr"), title = element("td"), button = element("button");
  row.dataset.id = id;
  button.type = "button";
  button.addEventListener("click", () => choose(id));
  title.append(button);
  const rank = element("td", undefined, "number"), velocity = element("td", undefined, "number");
  rank.append(element("span", undefined, "moved-by"), element("span"));
  velocity.append(element("span", undefined, "arrow"), element("span"));
  row.append(rank, title, element("td", "", "number"), velocity);
  return row;
}

/* How the place changed since the window before. */
function rankChange(movie) {
  if (movie.previous_rank == null) return ["", ""];
  const by = movie.previous_rank - movie.rank;
  return by > 0 ? [`▲${by}`, "up"] : by < 0 ? [`▼${-by}`, "down"] : ["", ""];
}

/* The arrow is the velocity's direction: steep while it grows, flatter while it slows. */
function velocityArrow(movie) {
  if (!(movie.velocity > 0)) return ["→", "still", ""];
  return movie.acceleration != null && movie.acceleration < 0 ? ["↗", "rising, slower than before", "up"] : ["↑", "rising, faster", "up"];
}

function fillRank(row, id) {
  const movie = ranks.get(id), [rank, title, score, velocity] = row.children;
  const put = (cell, text) => { if (cell.textContent !== text) cell.textContent = text; };
  const [change, changeClass] = rankChange(movie), [arrow, says, arrowClass] = velocityArrow(movie);
  put(rank.firstChild, change);
  rank.firstChild.className = `moved-by ${changeClass}`;
  put(rank.lastChild, String(movie.rank));
  put(title.firstChild, rankTitle(id));
  put(score, two.format(movie.score));
  put(velocity.firstChild, arrow);
  velocity.firstChild.className = `arrow ${arrowClass}`;
  velocity.title = `popularity per hour: ${says}`;
  put(velocity.lastChild, ` ${movie.velocity >= 0 ? "+" : "−"}${two.format(Math.abs(movie.velocity))}/h`);
  if (id === state.chosen) row.setAttribute("aria-current", "true");
  else row.removeAttribute("aria-current");
}

function showTrending(data) {
  ranks = new Map(data.movies.map((movie) => [movie.movie_id, movie]));
  setText("trending-window", data.window_end ? `window up to ${data.window_end.slice(11, 16)} UTC` : "");
  $("trending-table").hidden = ranks.size === 0;
  $("trending-empty").hidden = ranks.size > 0;
  markChosen();
}

function markChosen() {
  placeRows($("trending"), [...ranks.keys()], makeRank, fillRank);
}

/* ---- rates ---- */

const SPARK_WIDTH = 240, SPARK_HEIGHT = 22;

function makeSpark() {
  const name = "http://www.w3.org/2000/svg", picture = document.createElementNS(name, "svg");
  picture.setAttribute("viewBox", `0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}`);
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  picture.classList.add("spark");
  picture.append(document.createElementNS(name, "path"));
  return picture;
}

/* A bar a minute. */
function drawSpark(picture, values) {
  const highest = Math.max(...values, 1), step = SPARK_WIDTH / LIVE_MINUTES;
  const path = values.map((value, i) => {
    if (!(value > 0)) return "";
    const height = Math.max(1.5, SPARK_HEIGHT * value / highest);
    return `M${(i * step).toFixed(1)} ${SPARK_HEIGHT}v${(-height).toFixed(1)}h${(step - 1).toFixed(1)}V${SPARK_HEIGHT}z`;
  }).join("");
  picture.firstChild.setAttribute("d", path);
}

function makeRate(id) {
  const metric = LIVE_METRICS[id], row = element("tr"), cell = element("td", undefined, "sparkcell");
  row.dataset.id = id;
  if (metric.part) row.className = "part";
  cell.append(makeSpark());
  row.append(element("td", metric.label), cell, element("td", "", "number"));
  return row;
}

function fillRate(row, id, metrics) {
  const metric = LIVE_METRICS[id], values = metrics[metric.name], [, picture, number] = row.children;
  drawSpark(picture.firstChild, values);
  const shown = metric.distinct ? `${short.format(values.findLast((value) => value > 0) || 0)} a minute`
                                : short.format(values.reduce((sum, value) => sum + value, 0));
  if (number.textContent !== shown) number.textContent = shown;
}

function showLive(data) {
  const here = LIVE_METRICS.map((metric, id) => id).filter((id) => data.metrics[LIVE_METRICS[id].name]);
  setText("live-minute", `60 minutes up to ${data.minute.slice(11, 16)} UTC`);
  $("live-table").hidden = here.length === 0;
  $("live-empty").hidden = here.length > 0;
  $("live-note").hidden = here.length === 0 || Boolean(data.metrics["records.user.events"]);
  placeRows($("live"), here, makeRate, (row, id) => fillRate(row, id, data.metrics));
}
