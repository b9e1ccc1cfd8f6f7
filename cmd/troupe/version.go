package main

import "runtime/debug"

// version, commit and date are set by the release build: -ldflags "-X
// main.version=1.2.3 -X main.commit=0123abcd -X main.date=2026-11-23". The date is
// that of the commit, so that the same source gives the same bytes.
var (
	version = "dev"
	commit  = ""
	date    = ""
)

// shortCommit is how many digits name a commit.
const shortCommit = 12

// versionLine is what --version says. What no release build has set is taken from
// what the Go tool has noted, if it was built in its repository.
func versionLine() string {
	commit, date := commit, date
	if info, ok := debug.ReadBuildInfo(); ok && commit == "" {
		commit, date = noted(info.Settings)
	}
	if commit == "" {
		return "troupe " + version
	}
	return "troupe " + version + " (commit " + commit[:min(len(commit), shortCommit)] + " of " + date + ")"
}

// noted is the commit and its date, with a mark when the source differed from it.
func noted(settings []debug.BuildSetting) (commit, date string) {
	const day = len("2006-01-02")
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value
		case "vcs.time":
			date = s.Value[:min(len(s.Value), day)]
		case "vcs.modified":
			if s.Value == "true" {
				date += ", modified"
			}
		}
	}
	return commit, date
}
