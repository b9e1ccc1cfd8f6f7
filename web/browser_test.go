package web

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// browserPatience bounds every wait for a page.
const browserPatience = 60 * time.Second

// step is what a person does in a browser, or waits for.
type step = chromedp.Action[chromedp.Void]

// browser is a Chromium without a window.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// newBrowser is one that finds no host but this one, until the test ends.
func newBrowser(t *testing.T, width, height int64, scheme string) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here")
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
		chromedp.WSURLReadTimeout(browserPatience),
	})...)
	ctx, closeBrowser := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Logf("closing the browser: %v", err)
		}
		closeBrowser()
		end()
	})
	// Without a deadline: the browser lives as long as the context of its first steps.
	err = chromedp.Do(ctx, chromedp.EmulateViewport(width, height), func(ctx context.Context, _ *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return chromedp.Void{}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, ctx}
}

// visit does what a person would.
func (b *browser) visit(steps ...step) {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, browserPatience)
	defer end()
	if err := chromedp.Do(ctx, steps...); err != nil {
		page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
		b.t.Fatalf("in the browser: %v; the page says:\n%.3000s", err, page)
	}
}

// read gives what an expression is on the page.
func read[T any](b *browser, expression string) T {
	b.t.Helper()
	ctx, end := context.WithTimeout(b.ctx, browserPatience)
	defer end()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// await waits until an expression is true. The page looks itself, as often as it is
// painted: what a page may not evaluate, its debugger may.
func await(expression string) step {
	return run("new Promise((done) => { const look = () => { if (" + expression + ") done(); else setTimeout(look, 50); }; look(); })")
}

// arrived waits until an expression is true of a page that is on its way: what looks
// at the page before goes with it.
func arrived(expression string) step {
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		again := time.NewTicker(50 * time.Millisecond)
		defer again.Stop()
		for {
			there, err := chromedp.Evaluate[bool]("!!"+expression)(ctx, target)
			if err == nil && there {
				return none, nil
			}
			select {
			case <-again.C:
			case <-ctx.Done():
				return none, errors.Join(ctx.Err(), err)
			}
		}
	}
}

// run has a script of the test run in the page.
func run(script string) step {
	return func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		_, err = chromedp.Evaluate[any](script+";", chromedp.EvalAwaitPromise)(ctx, target)
		return none, err
	}
}

// said waits until a part of the page has a text in it.
func said(selector, text string) step {
	return await("(document.querySelector(" + strconv.Quote(selector) + ")?.textContent ?? '').includes(" + strconv.Quote(text) + ")")
}

// unsaid waits until it has not.
func unsaid(selector, text string) step {
	return await("!document.querySelector(" + strconv.Quote(selector) + ").textContent.includes(" + strconv.Quote(text) + ")")
}

// press presses a button, once it is there, by the keyboard's way: with the focus
// on it.
func press(selector string) step {
	found := "document.querySelector(" + strconv.Quote(selector) + ")"
	return chromedp.Steps(await(found), run("(() => { const it = "+found+"; it.focus(); it.click(); })()"))
}

// TestBrowserFollows: a page that is open shows a listener fail and come back, and
// leaves what has not changed where it is.
func TestBrowserFollows(t *testing.T) {
	s := newScene(3)
	url := serveScene(t, s)
	b := newBrowser(t, 1280, 900, "light")
	b.visit(chromedp.Navigate(url+"/"), said("#concerns", "All listeners accept"),
		run("document.querySelector('h1').dataset.mark = 'old'; document.getElementById('open-0').focus()"))
	s.set(func(s *scene) { s.failing = true })
	b.visit(said("#concerns", sceneSecond+" does not accept clients"), said("#listeners", "cannot assign requested address"))
	s.set(func(s *scene) { s.failing = false })
	b.visit(said("#concerns", "All listeners accept"), unsaid("#listeners", "cannot assign"))
	if mark := read[string](b, "document.querySelector('h1').dataset.mark"); mark != "old" {
		t.Errorf("got the mark %q; want the page that was opened", mark)
	}
	if focused := read[string](b, "document.activeElement.id"); focused != "open-0" {
		t.Errorf("got the focus on %q; want it kept", focused)
	}
}

// TestBrowserEndsASession: the page asks first, with the focus on what cuts nothing,
// gives it back when nothing is to be cut, and the row goes when the session does.
func TestBrowserEndsASession(t *testing.T) {
	s := newScene(5)
	url := serveScene(t, s)
	b := newBrowser(t, 1280, 900, "light")
	const button = "#end-0000000000000002"
	b.visit(chromedp.Navigate(url+"/ui/sessions"), press(button), said("dialog[open]", "End 1 session?"))
	if focused := read[string](b, "document.activeElement.textContent"); focused != "Leave it as it is" {
		t.Errorf("got the focus on %q; want it on what cuts nothing", focused)
	}
	b.visit(chromedp.KeyEvent(kb.Escape), await("document.activeElement.id === "+strconv.Quote(button[1:])))
	if s.open() != 5 {
		t.Fatalf("got %d sessions after Escape; want 5", s.open())
	}
	b.visit(press(button), said("dialog[open]", "End 1 session?"), press("#yes"), said("#message", "1 session ended"),
		unsaid("#rows", "10.0.0.1:40000"), said("#total", "4"))
	if s.open() != 4 {
		t.Errorf("got %d sessions; want 4", s.open())
	}
}

// TestBrowserDrains: the page asks before clients are refused, shows that they are,
// and lets them in again by the same button.
func TestBrowserDrains(t *testing.T) {
	s := newScene(2)
	url := serveScene(t, s)
	b := newBrowser(t, 1280, 900, "light")
	b.visit(chromedp.Navigate(url+"/"), press("#drain-0"), said("dialog[open]", "2 sessions go on until they end"), press("#yes"),
		said("#message", sceneFirst+" takes no more clients"), said("#concerns", sceneFirst+" is drained"),
		said("#drain-0", "Take clients again"), said("#undrain-all", "All"))
	b.shoot("drained-1280-light")
	b.visit(press("#drain-0"), said("#message", sceneFirst+" takes clients again"), said("#drain-0", "Drain"),
		said("#concerns", "All listeners accept"))
}

// TestBrowserPausesASource: the worst source is first, with what was said to it whole;
// one is paused once somebody has agreed, and resumed.
func TestBrowserPausesASource(t *testing.T) {
	url := serveScene(t, newScene(0))
	b := newBrowser(t, 1280, 900, "light")
	b.visit(chromedp.Navigate(url+"/ui/sources"), said("#rows tr:first-child", "198.51.100.7"),
		said("#rows tr:first-child", "554 5.7.1 blocked using lists.example.org; see https://lists.example.org/198.51.100.7"),
		said("nav li:first-child", "Sources"), press(`[id="pause-198.51.100.7"]`), said("dialog[open]", "Pause 198.51.100.7?"),
		press("#yes"), said("#message", "198.51.100.7/32 is paused"), said(`#rows`, "paused"),
		press(`[id="resume-198.51.100.7"]`), said("dialog[open]", "Resume 198.51.100.7?"), press("#yes"), said("#message", "198.51.100.7/32 is serving"), unsaid("#rows", "paused"))
	b.visit(press(`[id="drain-198.51.100.9"]`), said("dialog[open]", "Drain 198.51.100.9?"), press("#yes"), said("#message", "198.51.100.9/32 is draining"), said("#rows", "draining"))
}

// TestBrowserSetsTheLogFilter: what is no filter is said on the page, and the one in
// force follows.
func TestBrowserSetsTheLogFilter(t *testing.T) {
	s := newScene(0)
	url := serveScene(t, s)
	b := newBrowser(t, 1280, 900, "light")
	set := func(text string) step {
		return chromedp.Steps(run("document.querySelector('#filter').value = "+strconv.Quote(text)), press("#set-filter"))
	}
	b.visit(chromedp.Navigate(url+"/ui/log"), said("#current", "info"),
		set("nonsense"), said("#message", "Not done: parsing log filter"),
		set("info,lua=debug"), said("#message", "The log filter was changed"), said("#current", "info,lua=debug"))
	if got := s.logFilter(); got != "info,lua=debug" {
		t.Errorf("got %q; want the filter set", got)
	}
}

// TestBrowserTriesTheAPI: the page of the API works where no other host is found,
// and a request can be sent from it.
func TestBrowserTriesTheAPI(t *testing.T) {
	url := serveScene(t, newScene(0))
	b := newBrowser(t, 1280, 900, "light")
	const live = "#operations-health-live "
	b.visit(chromedp.Navigate(url+"/rapidoc"), press(live+".opblock-summary-control"), press(live+".try-out__btn"),
		press(live+".execute"), said(live+".live-responses-table", "alive"))
}

// shots are the pages that are looked at by a person, and by axe-core.
var shots = map[string]string{
	"sources": "/ui/sources?state=serving", "destinations": "/ui/destinations",
	"overview": "/", "tree": "/ui/tree", "sessions": "/ui/sessions?user=mta-1", "policy": "/ui/policy", "log": "/ui/log",
}

// shoot keeps a picture of a page in the directory that TROUPE_SHOTS names, if any.
func (b *browser) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("TROUPE_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		b.t.Error(err)
	}
}

// troubled is a scene in which there is everything to see.
func troubled(t *testing.T) *scene {
	t.Helper()
	s := newScene(1000)
	if _, err := s.reloadPolicy(t.Context()); err == nil {
		t.Fatal("the reload was not refused")
	}
	s.failing = true
	return s
}

// TestBrowserWidths: no page is wider than the screen, in either scheme.
func TestBrowserWidths(t *testing.T) {
	url := serveScene(t, troubled(t))
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{360, 1280} {
			b := newBrowser(t, width, 800, scheme)
			suffix := "-" + strconv.FormatInt(width, 10) + "-" + scheme
			for name, path := range shots {
				b.visit(chromedp.Navigate(url+path), await("document.querySelector('h1')"))
				if content := read[int64](b, "document.documentElement.scrollWidth"); content > width {
					t.Errorf("%s%s: got %d wide; want at most %d", name, suffix, content, width)
				}
				b.shoot(name + suffix)
			}
			b.visit(chromedp.Navigate(url+shots["sessions"]), press("#end-all"), said("dialog[open]", "End 143 sessions?"))
			b.shoot("dialog" + suffix)
			// As a browser that runs no scripts sends it: the question is a page.
			b.visit(chromedp.Navigate(url+shots["sessions"]), await("document.querySelector('#end-all')"),
				run("setTimeout(() => HTMLFormElement.prototype.submit.call(document.querySelector('#end-all').form))"),
				arrived("document.querySelector('main > #live > #notice')"))
			if content := read[int64](b, "document.documentElement.scrollWidth"); content > width {
				t.Errorf("notice%s: got %d wide; want at most %d", suffix, content, width)
			}
			b.shoot("notice" + suffix)
		}
	}
}

// accessibility gives the script of axe-core, which is no part of this repository.
func accessibility(t *testing.T) string {
	t.Helper()
	path := os.Getenv("TROUPE_AXE")
	if path == "" {
		path = fetchAxe(t)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fetchAxe has npm fetch it, if there is an npm and a network.
func fetchAxe(t *testing.T) string {
	t.Helper()
	ctx, end := context.WithTimeout(t.Context(), browserPatience)
	defer end()
	npm := exec.CommandContext(ctx, "npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "axe-core")
	npm.Dir = t.TempDir()
	if said, err := npm.CombinedOutput(); err != nil {
		t.Skipf("axe-core cannot be had, %v; TROUPE_AXE may name its axe.min.js: %.300s", err, said)
	}
	return filepath.Join(npm.Dir, "node_modules", "axe-core", "axe.min.js")
}

// TestBrowserAccessibility: axe-core finds nothing serious on any page, in either
// scheme, nor in a dialog.
func TestBrowserAccessibility(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	axe := accessibility(t)
	url := serveScene(t, troubled(t))
	for _, scheme := range []string{"light", "dark"} {
		b := newBrowser(t, 1280, 900, scheme)
		look := func(name string) {
			t.Helper()
			b.visit(run(axe))
			found := read[[]string](b, "axe.run().then((r) => r.violations.flatMap((v) => v.nodes.map((n) => "+
				"v.impact + ': ' + v.id + ': ' + n.html.slice(0, 200) + ' ' + n.failureSummary)))")
			for _, one := range found {
				t.Errorf("%s, %s: %s", name, scheme, one)
			}
		}
		for name, path := range shots {
			b.visit(chromedp.Navigate(url+path), await("document.querySelector('h1')"))
			look(name)
		}
		b.visit(chromedp.Navigate(url+shots["sessions"]), press("#end-all"), said("dialog[open]", "End 143 sessions?"))
		look("dialog")
	}
}
