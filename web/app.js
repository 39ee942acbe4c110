/* The dashboard: one event stream moves the numbers, the API is asked for what is larger.
 *
 *   /api/v1/stream ─► state ─► tiles, split, movie list, last point of the chart
 *                  ─► trending ─► ranks         ─► live ─► rates (live.js)
 *   a new generation ─► /analytics/genres, /runs       a chosen movie ─► /movies/{id}/stats, /sentiment
 *   words in the field ─► /search/movies
 */
"use strict";

const HOUR_MS = 3600e3;
const DAY_MS = 24 * HOUR_MS;
const LIST_LIMIT = 200;          // movies that the list can find
const LIST_REFRESH_MS = 30e3;
const STATS_REFRESH_MS = 10e3;   // the chosen movie's whole series, should an hour have changed behind us
const RUNS_SHOWN = 5;
const PLOT_HEIGHT = 320;         // the legend stands below it
const SENTIMENT_HEIGHT = 180;
const DAILY_FROM_DAYS = 30;      // sentiment by day from here on, by hour below
const SEARCH_WAIT_MS = 180;      // after the last key
const SEARCH_CHARS_MIN = 2, SEARCH_LIMIT = 30;
const RATE_SAMPLES = 10;         // events that a rate is taken over
const RETRY_MIN_MS = 1000, RETRY_MAX_MS = 15000;

const $ = (id) => document.getElementById(id);
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const short = new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 1});
const decimal = (digits) => new Intl.NumberFormat("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
const one = decimal(1), two = decimal(2), three = decimal(3);
const stillMotion = matchMedia("(prefers-reduced-motion: reduce)");

const state = {
  movies: new Map(),      // id -> as listed, with the popularity at first sight
  order: [],              // ids, most popular first
  chosen: null, days: 3,
  meta: null, generation: null, runKey: null,
  samples: [],            // {at, produced} of the last events
  plot: null, points: [], pointsAt: 0,
  sentiment: null, sentimentPlot: null,
  found: [], searched: "", // what the server found for these words
  genres: [], chart: null,
};

function setText(id, text) {
  const element = $(id);
  if (element.textContent !== text) element.textContent = text;
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/* "2026-03-03 04:00" */
const shortTime = (iso) => iso ? iso.slice(0, 16).replace("T", " ") : "–";
const dayTime = (iso) => iso ? iso.slice(5, 16).replace("T", " ") : "–";

function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${one.format(seconds / 3600)} h`;
  return `${one.format(seconds / 86400)} d`;
}

/* ---- the server ---- */

function requestHeaders() {
  const key = sessionStorage.getItem("marquee-key");
  return key ? {"X-API-Key": key} : {};
}

function askForKey() {
  $("key").hidden = false;
  $("key-text").focus();
}

async function ask(path) {
  const response = await fetch(path, {headers: requestHeaders(), cache: "no-store"});
  if (response.status === 401) askForKey();
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    throw new Error(problem.detail || `${path}: ${response.status}`);
  }
  return response.json();
}

function connection(name) {
  $("connection").dataset.state = name;
  setText("connection", name);
}

/* By fetch and not EventSource, which can't send a key. Resolves when the stream ends. */
async function listen(onEvent) {
  const response = await fetch("/api/v1/stream", {headers: requestHeaders(), cache: "no-store"});
  if (response.status === 401) askForKey();
  if (!response.ok) throw new Error(`stream: ${response.status}`);
  connection("live");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    buffer += value;
    for (let end; (end = buffer.indexOf("\n\n")) >= 0; buffer = buffer.slice(end + 2)) {
      const lines = buffer.slice(0, end).split("\n");
      const data = lines.filter((line) => line.startsWith("data: ")).map((line) => line.slice(6)).join("\n");
      const event = lines.find((line) => line.startsWith("event: "));
      if (data && event) onEvent(event.slice(7), JSON.parse(data));
    }
  }
}

async function keepListening() {
  for (let wait = RETRY_MIN_MS;;) {
    try {
      await listen((event, data) => {
        wait = RETRY_MIN_MS;
        const show = {state: showState, trending: showTrending, live: showLive}[event];
        if (show) show(data);
      });
    } catch (error) {
      /* The pill says so; the next try follows. */
    }
    connection("offline");
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, RETRY_MAX_MS);
    connection("connecting");
  }
}

/* ---- state: tiles and split ---- */

function showState(data) {
  state.meta = data.meta;
  setText("now", `${shortTime(data.now)} UTC`);
  setText("speed", data.clock_speed > 1 ? `×${whole.format(data.clock_speed)}` : "");
  showRate(data);
  showTiles(data);
  showSplit(data);
  takeMovies(data.movies, false);
  if (state.generation !== data.meta.generation) {
    state.generation = data.meta.generation;
    refreshGenres();
    refreshList();
  }
  const runKey = data.last_run ? `${data.last_run.run_id} ${data.last_run.state}` : "";
  if (state.runKey !== runKey) {
    state.runKey = runKey;
    refreshRuns();
  }
  moveChart(data);
}

function showRate(data) {
  state.samples.push({at: data.monotonic_ms, produced: data.produced});
  if (state.samples.length > RATE_SAMPLES) state.samples.shift();
  const first = state.samples[0], passed = data.monotonic_ms - first.at;
  const rate = passed > 0 ? (data.produced - first.produced) * 1000 / passed : 0;
  setText("tile-rate", data.produced > 0 ? `${rate < 100 ? one.format(rate) : short.format(rate)}/s` : "–");
  setText("note-rate", data.produced > 0 ? `${short.format(data.produced)} records, ${whole.format(data.tracked_movies)} movies`
                                         : "nothing published yet");
}

function showTiles(data) {
  const records = data.records, meta = data.meta;
  setText("tile-lag", records.used > 0 ? short.format(data.lag_records) : "–");
  setText("note-lag", records.used > 0 ? `records, ${short.format(data.commits)} commits so far` : "records waiting");
  setText("tile-used", records.used > 0 ? short.format(records.used) : "–");
  const rest = [["late", records.late], ["duplicate", records.duplicate], ["expired", records.expired], ["bad", records.bad]]
    .filter(([, count]) => count > 0).map(([name, count]) => `${short.format(count)} ${name}`).join(", ");
  setText("note-used", records.used > 0 ? rest || "none late, none lost" : "records in windows");
  setText("tile-sync", meta.speed_synced_at ? duration(Date.parse(data.now) - Date.parse(meta.speed_synced_at)) : "–");
  setText("note-sync", meta.speed_synced_at ? "behind the speed layer" : "nothing was copied yet");
  const run = data.last_run;
  setText("tile-run", run ? run.state : "–");
  setText("note-run", run ? `${dayTime(run.started_at)}${run.ended_at ? `, took ${duration(Date.parse(run.ended_at) - Date.parse(run.started_at))}` : ""}`
                          : "none yet");
  $("tile-run").className = run && run.state === "failed" ? "bad" : "";
  setText("tile-complete", meta.complete ? "complete" : "partial");
  $("tile-complete").className = meta.complete ? "good" : "";
  setText("note-complete", meta.complete ? "no hour missing, none twice" : whatIsMissing(meta));
}

function whatIsMissing(meta) {
  if (!meta.batch_run_id) return "until the first batch run";
  if (!meta.speed_synced_at) return "until the first sync";
  if (meta.gaps.length) return `gap of ${duration(Date.parse(meta.gaps[0].to) - Date.parse(meta.gaps[0].from))}`;
  return `${whole.format(meta.pending_late)} late records wait for the next run`;
}

function showSplit(data) {
  const meta = data.meta;
  $("split-batch").classList.toggle("off", !meta.batch_run_id);
  $("split-speed").classList.toggle("off", !meta.speed_synced_at);
  $("split-gap").hidden = meta.gaps.length === 0;
  setText("split-text", meta.batch_run_id
    ? `Hours before ${shortTime(meta.boundary)} come from batch run ${meta.batch_run_id}, which is complete below ${shortTime(meta.batch_through)}; the hours since come from the speed layer as of ${shortTime(meta.speed_synced_at)}.`
    : meta.speed_synced_at
      ? "Everything comes from the speed layer until the first batch run is published."
      : "Nothing has been computed yet: the first numbers arrive seconds after ingestion begins.");
}

/* ---- movies ---- */

const titleOf = (movie) => movie.title || `Movie ${movie.movie_id}`;

function takeMovies(list, all) {
  for (const movie of list) {
    const known = state.movies.get(movie.movie_id);
    const first = known ? known.first : movie.popularity;
    state.movies.set(movie.movie_id, {...known, ...movie, title: movie.title || (known && known.title) || null, first,
                                      moved: known ? movie.popularity - known.popularity : 0});
  }
  if (all) for (const id of [...state.movies.keys()]) if (!list.some((movie) => movie.movie_id === id)) state.movies.delete(id);
  state.order = [...state.movies.values()].sort((a, b) => b.popularity - a.popularity || a.movie_id - b.movie_id).map((movie) => movie.movie_id);
  showMovies();
  if (state.chosen === null && state.order.length) choose(state.order[0]);
}

function makeRow(id) {
  const row = element("tr");
  row.dataset.id = id;
  const title = element("td"), button = element("button");
  button.type = "button";
  button.addEventListener("click", () => choose(id));
  title.append(button);
  row.append(title, element("td", "", "number"), element("td", "", "number"), element("td", "", "number"));
  return row;
}

function fillRow(row, movie) {
  const [title, popularity, change, rating] = row.children;
  const put = (cell, text) => { if (cell.textContent !== text) cell.textContent = text; };
  put(title.firstChild, titleOf(movie));
  const text = movie.popularity == null ? "–" : two.format(movie.popularity);
  if (popularity.textContent !== text) {
    popularity.classList.remove("moved");
    if (popularity.textContent) {
      void popularity.offsetWidth; // so that the animation begins again
      popularity.classList.add("moved");
    }
    popularity.textContent = text;
  }
  const delta = movie.popularity - movie.first;
  put(change, Math.abs(delta) < 0.005 ? "·" : `${delta > 0 ? "+" : "−"}${two.format(Math.abs(delta))}`);
  change.className = `number ${delta > 0.005 ? "up" : delta < -0.005 ? "down" : ""}`;
  put(rating, movie.vote_average == null ? "–" : one.format(movie.vote_average));
  if (movie.movie_id === state.chosen) row.setAttribute("aria-current", "true");
  else row.removeAttribute("aria-current");
}

/* Puts rows in the order of ids. They are moved, not made anew, so that focus and scrolling stay. */
function placeRows(body, ids, make, fill) {
  const rows = new Map([...body.children].map((row) => [Number(row.dataset.id), row]));
  ids.forEach((id, place) => {
    const row = rows.get(id) || make(id);
    fill(row, id);
    if (body.children[place] !== row) body.insertBefore(row, body.children[place] || null);
    rows.delete(id);
  });
  for (const row of rows.values()) row.remove();
}

/* The list's own titles at once, then what the server finds in titles, names and keywords. */
function showMovies() {
  const words = $("search").value.trim(), wanted = words.toLocaleLowerCase();
  const ids = state.order.filter((id) => !wanted || titleOf(state.movies.get(id)).toLocaleLowerCase().includes(wanted));
  const found = new Map(wanted && state.searched === words ? state.found.map((movie) => [movie.movie_id, movie]) : []);
  for (const id of found.keys()) if (!ids.includes(id)) ids.push(id);
  placeRows($("movies"), ids, makeRow, (row, id) => fillRow(row, state.movies.get(id) || {...found.get(id), first: found.get(id).popularity}));
  $("movies-empty").hidden = ids.length > 0;
  if (state.order.length && !ids.length) setText("movies-empty", "No movie matches.");
}

let searching = 0;
function searchSoon() {
  showMovies();
  clearTimeout(searching);
  searching = setTimeout(search, SEARCH_WAIT_MS);
}

async function search() {
  const words = $("search").value.trim();
  if (words.length < SEARCH_CHARS_MIN || words === state.searched) return;
  try {
    const found = (await ask(`/api/v1/search/movies?limit=${SEARCH_LIMIT}&q=${encodeURIComponent(words)}`)).data;
    if (words !== $("search").value.trim()) return;
    state.found = found;
    state.searched = words;
    showMovies();
  } catch (error) { /* the list's own titles stay */ }
}

async function refreshList() {
  try {
    takeMovies((await ask(`/api/v1/movies?limit=${LIST_LIMIT}`)).data, true);
  } catch (error) { /* the next refresh comes */ }
}

/* ---- one movie ---- */

function choose(id) {
  state.chosen = id;
  state.points = [];
  $("plot-empty").hidden = true;
  $("plot").hidden = false;
  showMovies();
  markChosen();
  refreshStats();
}

async function refreshStats() {
  const id = state.chosen, days = state.days;
  if (id === null) return;
  state.pointsAt = performance.now();
  const now = state.meta && state.meta.speed_synced_at ? Date.parse(state.meta.speed_synced_at) : null;
  const from = now ? `?from=${new Date(Math.floor((now - days * DAY_MS) / HOUR_MS) * HOUR_MS).toISOString().slice(0, 19)}Z` : "";
  refreshSentiment(id, days);
  try {
    const answer = await ask(`/api/v1/movies/${id}/stats${from}`);
    if (id !== state.chosen || days !== state.days) return;
    state.meta = state.meta || answer.meta;
    state.points = answer.data.hours;
    showChart(answer.meta);
  } catch (error) {
    if (id === state.chosen) setText("movie-facts", error.message);
  }
}

/* The list's numbers of the chosen movie are the newest: they become the last point. */
function moveChart(data) {
  const movie = data.movies.find((each) => each.movie_id === state.chosen);
  const last = state.points[state.points.length - 1];
  if (performance.now() - state.pointsAt > STATS_REFRESH_MS) refreshStats();
  if (!movie || !last || !movie.last_updated || movie.last_updated <= last.last_updated) return;
  const hour = `${movie.last_updated.slice(0, 13)}:00:00Z`;
  const point = {...last, hour, popularity: movie.popularity, vote_average: movie.vote_average, vote_count: movie.vote_count,
                 last_updated: movie.last_updated, source: "speed"};
  if (hour === last.hour) state.points[state.points.length - 1] = point;
  else state.points.push(point);
  showChart(data.meta);
}

/* [x, batch, speed]; the batch line ends at the first speed point, so that the curve has no hole at the boundary. */
function series() {
  const x = [], batch = [], speed = [];
  state.points.forEach((point, i) => {
    const fromSpeed = point.source === "speed", before = state.points[i - 1];
    x.push(Date.parse(point.hour) / 1000);
    batch.push(!fromSpeed || (before && before.source === "batch") ? point.popularity : null);
    speed.push(fromSpeed ? point.popularity : null);
  });
  return [x, batch, speed];
}

/* A day where one begins, else the hour; all UTC. */
function timeLabels(plot, splits, axis, space, step) {
  return splits.map((seconds) => {
    const iso = new Date(seconds * 1000).toISOString();
    return step >= 86400 || iso.slice(11, 16) === "00:00" ? iso.slice(5, 10) : iso.slice(11, 16);
  });
}

function drawSides(plot) {
  const meta = state.meta, {left, top, width, height} = plot.bbox, context = plot.ctx;
  const place = (iso) => Math.min(left + width, Math.max(left, plot.valToPos(Date.parse(iso) / 1000, "x", true)));
  const boundary = meta && meta.boundary ? place(meta.boundary) : left;
  context.save();
  context.fillStyle = css("--batch-soft");
  context.fillRect(left, top, boundary - left, height);
  context.fillStyle = css("--speed-soft");
  context.fillRect(boundary, top, left + width - boundary, height);
  for (const gap of meta ? meta.gaps : []) {
    context.fillStyle = css("--line");
    context.fillRect(place(gap.from), top, place(gap.to) - place(gap.from), height);
  }
  context.restore();
}

/* The boundary itself, above the grid. */
function drawBoundary(plot) {
  const meta = state.meta, {left, top, width, height} = plot.bbox, context = plot.ctx, ratio = devicePixelRatio;
  if (!meta || !meta.boundary) return;
  const x = plot.valToPos(Date.parse(meta.boundary) / 1000, "x", true);
  if (x <= left || x >= left + width) return;
  const rightHalf = x > left + width / 2;
  context.save();
  context.strokeStyle = context.fillStyle = css("--text");
  context.lineWidth = 2 * ratio;
  context.beginPath();
  context.moveTo(x, top);
  context.lineTo(x, top + height);
  context.stroke();
  context.font = `${12 * ratio}px system-ui, sans-serif`;
  context.textAlign = rightHalf ? "right" : "left";
  context.fillText("boundary", x + (rightHalf ? -8 : 8) * ratio, top + height - 10 * ratio);
  context.restore();
}

const axisStyle = () => ({stroke: css("--muted"), grid: {stroke: css("--line"), width: 1}, ticks: {stroke: css("--line"), width: 1}, font: "12px system-ui, sans-serif"});
const utcDate = (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");
const hourSeries = {label: "hour", value: (plot, value) => value == null ? "–" : `${shortTime(new Date(value * 1000).toISOString())} UTC`};

function makePlot(data) {
  const box = $("plot"), axis = axisStyle();
  const line = (label, color) => ({label, stroke: color, width: 2, spanGaps: true, points: {size: 4, fill: color},
                                   value: (plot, value) => value == null ? "–" : two.format(value)});
  if (state.plot) state.plot.destroy();
  state.plot = new uPlot({
    width: box.clientWidth, height: PLOT_HEIGHT,
    tzDate: utcDate,
    axes: [{...axis, values: timeLabels, size: 34}, {...axis, size: 64, values: (plot, values) => values.map((value) => short.format(value))}],
    series: [hourSeries, line("batch, exact", css("--batch")), line("speed, seconds fresh", css("--speed"))],
    hooks: {drawClear: [drawSides], draw: [drawBoundary]},
    cursor: {points: {size: 8}, sync: {key: "movie"}},
  }, data, box);
}

function showChart(meta) {
  const last = state.points[state.points.length - 1], movie = state.movies.get(state.chosen);
  const title = movie ? titleOf(movie) : (last && last.title) || titleElsewhere(state.chosen);
  setText("movie-title", title);
  if (!last) {
    setText("movie-facts", "No observation in this range yet.");
    $("plot").setAttribute("aria-label", `${title}: no observation in this range`);
    if (state.plot) { state.plot.destroy(); state.plot = null; }
    return;
  }
  const velocity = Math.abs(last.rating_velocity || 0) < 0.005 ? "" : `, rating ${last.rating_velocity >= 0 ? "+" : "−"}${two.format(Math.abs(last.rating_velocity))} an hour`;
  setText("movie-facts", `Popularity ${two.format(last.popularity)}, rated ${one.format(last.vote_average)} by ${whole.format(last.vote_count)}${velocity}; observed ${shortTime(last.last_updated)} UTC`);
  $("plot").setAttribute("aria-label", `Popularity of ${title} over ${state.points.length} hours up to ${shortTime(last.hour)} UTC, now ${two.format(last.popularity)}; the boundary between batch and speed is ${meta.boundary ? shortTime(meta.boundary) : "not there yet"}`);
  const data = series();
  if (state.plot) state.plot.setData(data);
  else makePlot(data);
  if (state.sentimentPlot) state.sentimentPlot.setData(sentimentSeries()); // along with the hours above it
}

/* ---- genres and runs ---- */

async function refreshGenres() {
  try {
    state.genres = (await ask("/api/v1/analytics/genres")).data;
    showGenres();
  } catch (error) { /* the next generation comes */ }
}

function showGenres() {
  const measure = $("measure").value, name = $("measure").selectedOptions[0].textContent;
  const rows = state.genres.filter((row) => row[measure] != null).sort((a, b) => a[measure] - b[measure]);
  const box = $("genres");
  box.hidden = rows.length === 0;
  $("genres-empty").hidden = rows.length > 0;
  if (!rows.length) return;
  const digits = ["avg_rating", "avg_popularity"].includes(measure) ? two : short;
  box.setAttribute("aria-label", `${name} by genre: ${rows.slice().reverse().slice(0, 5).map((row) => `${row.genre} ${digits.format(row[measure])}`).join(", ")}`);
  state.chart = state.chart || echarts.init(box, null, {renderer: "svg"});
  state.chart.setOption({
    animation: !stillMotion.matches, animationDuration: 300,
    grid: {left: 8, right: 56, top: 4, bottom: 4, containLabel: true},
    textStyle: {fontFamily: "inherit"},
    tooltip: {trigger: "axis", axisPointer: {type: "shadow"}, renderMode: "richText", valueFormatter: (value) => digits.format(value)},
    xAxis: {type: "value", axisLabel: {show: false}, splitLine: {lineStyle: {color: css("--line")}}},
    yAxis: {type: "category", data: rows.map((row) => row.genre), axisTick: {show: false}, axisLine: {show: false},
            axisLabel: {color: css("--text"), fontSize: 12, interval: 0}},
    series: [{type: "bar", name, data: rows.map((row) => row[measure]), barCategoryGap: "28%",
              itemStyle: {color: css("--batch"), borderRadius: [0, 4, 4, 0]},
              label: {show: true, position: "right", color: css("--muted"), formatter: ({value}) => digits.format(value)}}],
  });
}

async function refreshRuns() {
  try {
    const runs = (await ask(`/api/v1/runs?limit=${RUNS_SHOWN}`)).data;
    $("runs-table").hidden = runs.length === 0;
    $("runs-empty").hidden = runs.length > 0;
    $("runs").replaceChildren(...runs.map((run) => {
      const row = element("tr");
      const id = element("td", run.run_id, "mono");
      id.title = run.run_id;
      const took = run.ended_at ? duration(Date.parse(run.ended_at) - Date.parse(run.started_at)) : "…";
      const status = element("td", run.state, `state ${run.state}`);
      if (typeof run.detail === "string") status.title = run.detail;
      row.append(id, element("td", dayTime(run.started_at)), element("td", took, "number"), status);
      return row;
    }));
    showSteps(runs.find((run) => run.state === "done" && run.detail.steps));
  } catch (error) { /* the next run comes */ }
}

/* What the last finished run did, the longest step's bar full. */
function showSteps(run) {
  const steps = run ? run.detail.steps.filter((step) => step.seconds >= 0.0005) : [];
  const longest = Math.max(...steps.map((step) => step.seconds), 0.001);
  $("steps-part").hidden = steps.length === 0;
  $("steps").replaceChildren(...steps.map((step) => {
    const row = element("tr"), cell = element("td"), bar = element("span", undefined, "stepbar");
    bar.style.width = `${Math.max(1, 100 * step.seconds / longest)}%`;
    cell.append(bar);
    row.append(element("td", step.name), element("td", step.rows ? whole.format(step.rows) : "", "number"),
               element("td", `${three.format(step.seconds)} s`, "number"), cell);
    return row;
  }));
}

/* ---- the page itself ---- */

function redrawAll() {
  if (state.plot) {
    state.plot.destroy();
    state.plot = null;
    if (state.points.length) makePlot(series());
  }
  if (state.sentimentPlot) showSentiment();
  if (state.chart) { state.chart.dispose(); state.chart = null; }
  showGenres();
}

/* A plot is as wide as its panel, however that came to be. */
function fitPlots() {
  const fit = (plot, box, height) => {
    if (plot && box.clientWidth > 0 && plot.width !== box.clientWidth) plot.setSize({width: box.clientWidth, height});
  };
  fit(state.plot, $("plot"), PLOT_HEIGHT);
  fit(state.sentimentPlot, $("sentiment"), SENTIMENT_HEIGHT);
}

function begin() {
  $("search").addEventListener("input", searchSoon);
  $("measure").addEventListener("change", showGenres);
  for (const button of document.querySelectorAll(".range button")) {
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll(".range button")) other.setAttribute("aria-pressed", String(other === button));
      state.days = Number(button.dataset.days);
      refreshStats();
    });
  }
  $("key").addEventListener("submit", (event) => {
    event.preventDefault();
    sessionStorage.setItem("marquee-key", $("key-text").value);
    location.reload();
  });
  new ResizeObserver(fitPlots).observe($("plot").parentElement);
  new ResizeObserver(() => { if (state.chart) state.chart.resize(); }).observe($("genres").parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  setInterval(refreshList, LIST_REFRESH_MS);
  keepListening();
}

begin();
