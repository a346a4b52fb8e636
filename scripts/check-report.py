#!/usr/bin/python3
"""Looks at a page of `disttrain report` in a real browser, without a network.

    scripts/check-report.py report.html [--screenshots FOLDER [--height PIXELS]]

Loads it at 1200 and at 360 pixels, light, dark and for print. Prints what it found as JSON; what is
wrong goes to stderr, a line each, and the status is 1. Needs the Debian packages chromium,
chromium-driver and python3-selenium.
"""

import argparse
import base64
import json
import os
import pathlib
import shutil
import sys
import tempfile

PACKAGES = "install the Debian packages chromium, chromium-driver and python3-selenium"

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
except ImportError:
    sys.exit(f"check-report: python3-selenium is missing: {PACKAGES}")

VIEWS = [
    ("wide", 1200, "screen", "light"),
    ("wide-dark", 1200, "screen", "dark"),
    ("narrow", 360, "screen", "light"),
    ("narrow-dark", 360, "screen", "dark"),
    ("print", 760, "print", "light"),
]

# Script that describes the page as the browser has it; texts in `faults` say what is wrong in any view.
LOOK = """
const faults = [];
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
if (new Set(ids).size !== ids.length)
  faults.push('ids occur twice: ' + ids.filter((id, i) => ids.indexOf(id) !== i));
for (const a of document.querySelectorAll('a[href]')) {
  const href = a.getAttribute('href');
  if (!href.startsWith('#') || !document.getElementById(href.slice(1)))
    faults.push('a link leads nowhere: ' + href);
}
for (const e of document.querySelectorAll('[aria-labelledby]'))
  if (!document.getElementById(e.getAttribute('aria-labelledby')))
    faults.push('aria-labelledby names nothing: ' + e.getAttribute('aria-labelledby'));
for (const e of document.querySelectorAll('[fill^="url(#"]'))
  if (!document.getElementById(e.getAttribute('fill').slice(5, -1)))
    faults.push('a fill is not there: ' + e.getAttribute('fill'));
for (const i of document.images) {
  if (!(i.complete && i.naturalWidth > 0)) faults.push('a picture is broken: ' + i.alt);
  if (!i.alt) faults.push('a picture has no alternative text');
}
for (const a of document.querySelectorAll('audio')) {
  const wanted = Number(a.dataset.seconds);
  if (!(Math.abs(a.duration - wanted) <= 0.1))
    faults.push(`${a.ariaLabel}: ${a.duration} s instead of ${wanted} s`);
}
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth)
  faults.push(`the page scrolls sideways: ${root.scrollWidth} px in ${root.clientWidth} px`);
const charts = {};
for (const figure of document.querySelectorAll('figure.chart')) {
  const caption = figure.querySelector('figcaption').textContent;
  const svg = figure.querySelector('svg.chart');
  const found = {};
  for (const g of svg.querySelectorAll('g.series')) {
    const points = g.querySelectorAll('title').length;
    if (points !== Number(g.dataset.points))
      faults.push(`${caption}, ${g.dataset.name}: ${points} points instead of ${g.dataset.points}`);
    found[g.dataset.name] = points;
  }
  if (/NaN|Infinity|undefined/.test(svg.innerHTML)) faults.push(caption + ': places are no numbers');
  const box = svg.getBoundingClientRect();
  for (const e of svg.querySelectorAll('.mark, .hit, text')) {
    const b = e.getBoundingClientRect();
    if (b.width && (b.left < box.left - 2 || b.right > box.right + 2 || b.top < box.top - 2
        || b.bottom > box.bottom + 2))
      faults.push(`${caption}: ${e.textContent || e.tagName} is outside of the drawing`);
  }
  const texts = [...svg.querySelectorAll('text')].filter(t => t.getBoundingClientRect().width);
  for (let i = 0; i < texts.length; i++)
    for (let j = i + 1; j < texts.length; j++) {
      // Slanted ones have boxes that overlap where the letters do not.
      if (texts[i].hasAttribute('transform') || texts[j].hasAttribute('transform')) continue;
      const a = texts[i].getBoundingClientRect(), b = texts[j].getBoundingClientRect();
      const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (w > 1 && h > 0.35 * Math.min(a.height, b.height))
        faults.push(`${caption}: "${texts[i].textContent}" lies on "${texts[j].textContent}"`);
    }
  const twins = Object.keys(charts).filter(c => c.split(' #')[0] === caption).length;
  const rows = figure.querySelectorAll('details.numbers tbody tr').length;
  if (!rows) faults.push(caption + ': no table of its numbers');
  charts[twins ? `${caption} #${twins + 1}` : caption] = { series: found, rows };
}
if (document.querySelectorAll('h1').length !== 1) faults.push('there is not one h1');
let level = 1;
for (const h of document.querySelectorAll('h1,h2,h3,h4')) {
  const now = Number(h.tagName[1]);
  if (now > level + 1) faults.push('a heading skips a level: ' + h.textContent);
  level = now;
}
return {
  faults, charts, images: document.images.length,
  players: document.querySelectorAll('audio').length,
  shownPlayers: [...document.querySelectorAll('audio')].filter(a => a.offsetHeight > 0).length,
  headings: [...document.querySelectorAll('h2')].map(h => h.textContent),
  ground: getComputedStyle(document.body).backgroundColor,
  rows: document.querySelectorAll('#comparison ~ .scroll tbody tr').length,
  title: document.title, scripts: document.scripts.length,
};
"""

READY = """
const done = arguments[0], start = Date.now();
const look = () => {
  const isReady = [...document.images].every(i => i.complete)
    && [...document.querySelectorAll('audio')].every(a => a.readyState >= 1 || a.error);
  if (isReady || Date.now() - start > 10000) done(isReady); else setTimeout(look, 50);
};
look();
"""


# Decodes every clip to its end, and says which are broken, too short or silent.
DECODE = """
const done = arguments[0];
(async () => {
  const faults = [];
  for (const a of document.querySelectorAll('audio')) {
    const bytes = Uint8Array.from(atob(a.src.split(',')[1]), c => c.charCodeAt(0));
    try {
      const sound = await new OfflineAudioContext(1, 1, 16000).decodeAudioData(bytes.buffer);
      const peak = sound.getChannelData(0).reduce((m, x) => Math.max(m, Math.abs(x)), 0);
      if (Math.abs(sound.duration - Number(a.dataset.seconds)) > 0.1)
        faults.push(`${a.ariaLabel}: ends after ${sound.duration} s`);
      if (!(peak > 0)) faults.push(`${a.ariaLabel}: is silent`);
    } catch (error) { faults.push(`${a.ariaLabel}: cannot be decoded: ${error.message}`); }
  }
  done(faults);
})();
"""


def browser(folder):
    for name in ("chromium", "chromedriver"):
        if not shutil.which(name):
            sys.exit(f"check-report: {name} is missing: {PACKAGES}")
    options = Options()
    options.binary_location = shutil.which("chromium")
    for word in (
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--disable-background-networking", "--no-first-run", "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}",
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)


def requests(driver):
    """What was asked of a network or a disk, by address."""
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            yield message["params"]["request"]["url"]


def look(driver, page, width, media, scheme):
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]})
    driver.get(page)
    is_ready = driver.execute_async_script(READY)
    found = driver.execute_script(LOOK)
    faults = found.pop("faults")
    if not is_ready:
        faults.append("pictures or audio did not load within 10 s")
    for entry in driver.get_log("browser"):
        if entry["level"] in ("SEVERE", "WARNING"):
            faults.append(f"the browser says: {entry['message']}")
    for url in requests(driver):
        if not url.startswith("data:") and url.split("#")[0] != page:
            faults.append(f"something outside of the page was asked for: {url}")
    return found, faults


def screenshot(driver, path, limit):
    size = driver.execute_script(
        "return [document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    picture = driver.execute_cdp_cmd("Page.captureScreenshot", {
        "captureBeyondViewport": True,
        "clip": {"x": 0, "y": 0, "width": size[0], "height": min(size[1], limit), "scale": 1}})
    pathlib.Path(path).write_bytes(base64.b64decode(picture["data"]))


def main():
    parser = argparse.ArgumentParser(description="Looks at a report in a browser.")
    parser.add_argument("page")
    parser.add_argument("--screenshots", help="folder for a picture of each view")
    parser.add_argument("--height", type=int, default=16000, help="of the pictures, at most")
    arguments = parser.parse_args()
    path = pathlib.Path(arguments.page).resolve()
    if not path.is_file():
        sys.exit(f"check-report: {path}: there is no such file")
    if arguments.screenshots:
        os.makedirs(arguments.screenshots, exist_ok=True)
    views, faults = {}, []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        driver = browser(folder)
        try:
            driver.set_script_timeout(30)
            # Requests of the browser's own first page are not the report's.
            driver.get("about:blank")
            driver.get_log("performance")
            for name, width, media, scheme in VIEWS:
                views[name], wrong = look(driver, path.as_uri(), width, media, scheme)
                if name == VIEWS[0][0]:
                    wrong += driver.execute_async_script(DECODE)
                faults += [f"{name}: {text}" for text in wrong]
                if arguments.screenshots:
                    file = os.path.join(arguments.screenshots, f"report-{name}.png")
                    screenshot(driver, file, arguments.height)
        finally:
            driver.quit()
    json.dump(views, sys.stdout, indent=1)
    print()
    for fault in faults:
        print(f"check-report: {fault}", file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
