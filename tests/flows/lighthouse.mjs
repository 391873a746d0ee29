// Runs Lighthouse on pages of the product: {chrome, pages: [[name, url]], cookie} on stdin, one JSON
// line per page on stdout. Called by tests/flows/audit.py, from the folder with its node_modules.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.cwd()}/`);
const { default: lighthouse, desktopConfig } = await import(pathToFileURL(require.resolve("lighthouse")));
const { launch } = await import(pathToFileURL(require.resolve("chrome-launcher")));

let text = "";
for await (const piece of process.stdin) text += piece;
const { chrome, pages, cookie, flags } = JSON.parse(text);
const browser = await launch({ chromePath: chrome, chromeFlags: ["--headless=new", ...flags] });
try {
  for (const [name, url] of pages) {
    const { ok } = await fetch(url, { headers: { Cookie: cookie } });
    const { lhr } = await lighthouse(
      url,
      {
        port: browser.port,
        onlyCategories: ["performance", "accessibility", "best-practices"],
        extraHeaders: { Cookie: cookie },
        // The page that says "not found" is one, too; its status alone is an error in the console.
        ignoreStatusCode: true,
        skipAudits: ok ? null : ["errors-in-console"],
        logLevel: "silent",
      },
      desktopConfig,
    );
    const scores = Object.values(lhr.categories).map((one) => Math.round((one.score ?? 0) * 100));
    const short = Object.values(lhr.categories).flatMap((category) =>
      category.auditRefs
        .filter(({ id, weight }) => weight && lhr.audits[id].score !== null && lhr.audits[id].score < 1)
        .map(({ id }) => `${id} ${lhr.audits[id].displayValue ?? ""}`.trim()),
    );
    const error = lhr.runtimeError?.code ?? "";
    console.log(JSON.stringify({ name, scores, short, error }));
  }
} finally {
  browser.kill();
}
