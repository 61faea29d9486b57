package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// look is how often wait asks for the job.
const look = 150 * time.Millisecond

// wait waits for the end of a job, and shows its progress on a terminal.
func (sh *shell) wait(ctx context.Context, cl *client.Client, id string) (*wire.Job, error) {
	bar := sh.bar("waiting", 0)
	defer func() { _ = bar.Finish() }()
	for {
		j, err := cl.Job(ctx, id)
		if err != nil {
			return j, fmt.Errorf("%w; the job goes on where it runs: %s", err, sh.again("jobs %s", id))
		}
		if j.Status.Ended() {
			return j, nil
		}
		bar.ChangeMax64(permille)
		_ = bar.Set64(int64(permille * j.Progress.Fraction))
		bar.Describe(describe(j))
		select {
		case <-ctx.Done():
			return j, fmt.Errorf("stopped waiting; the job goes on with the next command or server on this data: %s", sh.again("jobs %s", id))
		case <-time.After(look):
		}
	}
}

// permille is the length of a job's progress bar.
const permille = 1000

// describe says in few words how far a job is. They have to fit, with the bar, into a narrow
// terminal.
func describe(j *wire.Job) string {
	p := j.Progress
	switch {
	case j.Status == wire.Waiting:
		return "waiting for another job of this source"
	case j.Kind == wire.Erase:
		return fmt.Sprintf("erasing, %d items gone", p.ItemsDone)
	case j.Kind == wire.Export && j.Stage == "2 join":
		return "writing the file"
	case j.Kind == wire.Export:
		return fmt.Sprintf("exporting, %d rows, %.0f/s", p.RowsDone, p.RowsASecond)
	case j.Stage == "":
		return "reading"
	}
	text := step(j.Stage)
	if pulling(j) {
		text = readingSystem(j)
	}
	switch {
	case p.ItemsDone > 0:
		text += fmt.Sprintf(", %d of %d changes made", p.ItemsDone, max(p.ItemsTotal, p.ItemsDone))
	case p.RowsDone > 0 && pulling(j):
		text += fmt.Sprintf(", %d objects, %.0f/s", p.RowsDone, p.RowsASecond)
	case p.RowsDone > 0:
		text += fmt.Sprintf(", %d rows, %.0f/s", p.RowsDone, p.RowsASecond)
	}
	if p.Waits != "" {
		return text + ", waits: " + p.Waits
	}
	if left := time.Duration(p.SecondsLeft * float64(time.Second)).Round(time.Second); left > 0 {
		text += ", " + left.String() + " left"
	}
	return text
}

// pulling reports whether a job reads a billing system, or maps what it has read.
func pulling(j *wire.Job) bool {
	return j.Import != nil && j.Import.Pull != nil && strings.HasSuffix(j.Stage, " pull")
}

// readingSystem says what is read of a billing system.
func readingSystem(j *wire.Job) string {
	n := len(j.Progress.Streams)
	switch {
	case j.Import.Pull.Reprocess != "":
		return "mapping what was read"
	case n == 0:
		return "reading " + j.Import.Pull.System
	}
	return "reading " + strings.ReplaceAll(j.Progress.Streams[n-1].Name, "_", " ") + " of " + j.Import.Pull.System
}

// step says what a stage of a job does, in words.
func step(stage string) string {
	_, name, _ := strings.Cut(stage, " ")
	switch name {
	case "map", "decide":
		return "checking rows"
	case "resolve", "merge":
		return "comparing"
	case "check":
		return "checking that it still fits"
	case "remove":
		return "removing"
	case "pull":
		return "reading the spreadsheet"
	case "unpack":
		return "unpacking"
	case "rejects":
		return "writing the rejected rows"
	case "takeback":
		return "taking back"
	case "putback":
		return "putting back"
	}
	return "writing"
}

// bar is a progress bar on a terminal, and silent in a pipe.
func (sh *shell) bar(what string, size int64) *progressbar.ProgressBar {
	f, ok := sh.errOut.(*os.File)
	if sh.json || !ok || !term.IsTerminal(int(f.Fd())) {
		return progressbar.DefaultBytesSilent(size, what)
	}
	return progressbar.NewOptions64(max(size, 1), progressbar.OptionSetWriter(f), progressbar.OptionSetDescription(what), progressbar.OptionSetWidth(16),
		progressbar.OptionShowBytes(size > 0), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetPredictTime(false),
		progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(65*time.Millisecond))
}
