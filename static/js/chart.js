// Where somebody points at a report's chart, uPlot draws over it: the day under the pointer in
// words, drag to zoom, double click for all days. The SVG below stays for print and for pages
// without script; colours, places and words are taken from it.
(() => {
  const STEPS = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];
  const Y_STEPS = 4;
  const DAY_LABELS = 6;
  // So many days may hold a day of the year twice, so their words have the year.
  const LONG = 300;
  const TIP_GAP = 12;
  const EDGE = 16; // room on the right for the half of a day's name
  let library;

  const load = (source) =>
    (library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    }));

  // The smallest round number at or above the highest figure, as the server chooses it.
  const ceiling = (highest, whole) => {
    const step = Math.max(highest / Y_STEPS || 1 / Y_STEPS, whole ? 1 : 0);
    const size = 10 ** Math.floor(Math.log10(step));
    const fits = (nice) => nice * size >= step * 0.999999 && !(whole && (nice * size) % 1);
    return Y_STEPS * size * STEPS.find(fits);
  };

  const draw = (figure, pointer) => {
    const frame = figure.querySelector(".chart__frame");
    const [axis, plot] = frame.querySelectorAll(":scope > svg");
    const data = JSON.parse(document.getElementById(figure.dataset.zoom).textContent);
    const words = [...plot.querySelectorAll(".chart__day title")].map((title) => title.textContent);
    const days = words.map((_, i) => i);
    const known = [...data.values, ...(data.before ?? [])].filter((value) => value !== null);
    const whole = known.every(Number.isInteger);
    const colour = (part, of) => () => getComputedStyle(figure.querySelector(part))[of];
    const number = (value, places) =>
      value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: 2 });
    const { fontFamily, fontSize } = getComputedStyle(figure.querySelector(".chart__label"));
    const quiet = { ticks: { show: false }, font: `${fontSize} ${fontFamily}`, gap: 8 };
    const line = (part, values, more) => ({
      stroke: colour(part, "stroke"),
      points: {
        show: true,
        size: 5,
        fill: colour(part, "stroke"),
        // Only days without neighbours, which no line can show.
        filter: () =>
          days.filter((i) => values[i] !== null && [i - 1, i + 1].every((j) => values[j] == null)),
      },
      ...more,
    });

    const live = document.createElement("div");
    live.className = "chart__live";
    live.ariaHidden = "true";
    const tip = document.createElement("p");
    tip.className = "chart__tip";
    tip.hidden = true;
    const back = figure.querySelector("[data-zoom-out]");
    const isZoomed = (u) => u.scales.x.max - u.scales.x.min < days.length;

    const options = {
      width: frame.clientWidth + EDGE,
      height: plot.clientHeight,
      padding: [12, EDGE, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: true, y: false, dist: 8 },
        points: { size: 9 },
        // On the day that the pointer is nearest to, so that whole days are zoomed.
        move: (u, left, top) => [left < 0 ? left : u.valToPos(u.posToIdx(left), "x"), top],
      },
      scales: {
        // Each day owns a column and is drawn in the middle of it.
        x: { time: false, range: (_, min, max) => [Math.round(min) - 0.5, Math.round(max) + 0.5] },
        y: { range: (_, min, max) => [0, ceiling(max, whole)] },
      },
      axes: [
        {
          ...quiet,
          size: 24,
          stroke: colour(".chart__label", "fill"),
          grid: { show: false },
          splits: (_, __, min, max) => {
            const [first, last] = [Math.ceil(min), Math.floor(max)];
            const isLong = last - first > LONG;
            const every = Math.ceil((last - first + 1) / (isLong ? DAY_LABELS - 2 : DAY_LABELS));
            const chosen = [];
            // At the very edge of many days a word would be cut.
            for (let i = last - (isLong ? Math.round(every / 4) : 0); i >= first; i -= every) {
              chosen.unshift(i);
            }
            return chosen;
          },
          values: (plot, splits) => {
            const isLong = plot.scales.x.max - plot.scales.x.min > LONG;
            return splits.map((i) => {
              const [day, month, year] = words[i].split(":")[0].split(" ");
              return isLong && year ? `${month} ’${year.slice(2)}` : `${day} ${month}`;
            });
          },
        },
        {
          ...quiet,
          size: axis.clientWidth,
          stroke: colour(".chart__label", "fill"),
          grid: { stroke: colour(".chart__grid", "stroke"), width: 1 },
          splits: (_, __, min, max) => Array.from({ length: Y_STEPS + 1 }, (_, i) => (max * i) / Y_STEPS),
          values: (_, splits) => {
            const places = splits.every(Number.isInteger) ? 0 : 2;
            return splits.map((value) => data.mark + number(value, places) + data.unit);
          },
        },
      ],
      series: [
        {},
        ...(data.before ? [line(".chart__line--compare", data.before, { width: 1.5, dash: [4, 3] })] : []),
        line(".chart__line", data.values, { width: 2 }),
      ],
      hooks: {
        setCursor: [
          (u) => {
            const { idx, left } = u.cursor;
            tip.hidden = idx === null || left < 0;
            if (tip.hidden) return;
            tip.textContent = words[idx];
            const x = u.over.offsetLeft + u.valToPos(idx, "x");
            const right = x + TIP_GAP;
            const fits = right + tip.offsetWidth <= frame.clientWidth;
            tip.style.left = `${fits ? right : Math.max(x - TIP_GAP - tip.offsetWidth, 0)}px`;
          },
        ],
        setScale: [(u) => back.toggleAttribute("hidden", !isZoomed(u))],
      },
    };
    const u = new uPlot(options, [days, ...(data.before ? [data.before] : []), data.values], live);
    live.append(tip);
    frame.append(live);
    figure.dataset.live = "";
    back.addEventListener("click", () => u.setScale("x", { min: 0, max: days.length - 1 }));
    u.setCursor({ left: pointer.clientX - u.over.getBoundingClientRect().left, top: 1 });

    const again = () => u.redraw(false);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
    new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    new ResizeObserver(() => {
      const { clientWidth: width } = frame;
      if (width) u.setSize({ width: width + EDGE, height: u.height });
    }).observe(frame);
  };

  document.addEventListener("pointerover", (event) => {
    const figure = event.target.closest?.("[data-zoom]:not([data-asked])");
    if (!figure || !event.target.closest(".chart__frame")) return;
    figure.dataset.asked = "";
    load(figure.dataset.library).then(
      () => draw(figure, event),
      () => {}, // the SVG keeps showing everything
    );
  });
})();
