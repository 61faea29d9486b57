package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"reseed/pkg/api/wire"
)

// commands makes a folder with the commands reseed and mortal: this test binary under other names, or, if the
// race detector is in it, one without, since that takes a third of the time.
func commands(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if raced() {
		binary = filepath.Join(dir, "test")
		if said, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, ".").CombinedOutput(); err != nil {
			t.Fatalf("build the command: %v: %s", err, said)
		}
	}
	body, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"reseed", "mortal"} {
		if err := os.WriteFile(filepath.Join(dir, name), body, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// raced tells whether this binary has the race detector in it.
func raced() bool {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// process is a command that runs.
type process struct {
	cmd     *exec.Cmd
	started time.Time
	tally   string // file
	out     greeting
	err     bytes.Buffer
	gone    chan struct{}
	ranFor  time.Duration
}

// outcome is how a process has ended.
type outcome struct {
	killed bool
	status int
	said   string // of complaints
	told   string // as an answer
	took   time.Duration
	made   tally // unless it was killed
}

// greeting collects what a process says, and tells when a server has said where it listens.
type greeting struct {
	text bytes.Buffer
	once sync.Once
	url  string        // once line is closed
	line chan struct{} // closed then
}

var listens = regexp.MustCompile(`Reseed serves (\S+) .*\n`)

// Write takes some of it.
func (g *greeting) Write(p []byte) (int, error) {
	n, err := g.text.Write(p)
	if m := listens.FindSubmatch(g.text.Bytes()); m != nil {
		g.once.Do(func() {
			g.url = string(m[1])
			close(g.line)
		})
	}
	return n, err
}

// start starts a command on a data folder; its tally goes into a file, if that is named.
func (sc *scenario) start(t *testing.T, data, tallyFile string, args []string, by fate) *process {
	t.Helper()
	args = append([]string{"--data", data}, args...)
	if args[2] != "serve" {
		args = append(args, "--json")
	}
	command := "mortal"
	if sc.piece == 0 && by.n == 0 && tallyFile == "" {
		command = "reseed"
	}
	p := &process{cmd: exec.CommandContext(t.Context(), filepath.Join(sc.bin, command), args...), tally: tallyFile, gone: make(chan struct{})}
	p.out.line = make(chan struct{})
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.err
	p.cmd.Env = append(os.Environ(), envTally+"="+tallyFile, envFate+"="+by.String())
	if sc.piece > 0 {
		p.cmd.Env = append(p.cmd.Env, envPiece+"="+strconv.Itoa(sc.piece))
	}
	if sc.plain {
		p.cmd.Env = append(p.cmd.Env, envPlain+"=yes")
	}
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // ended tells how
		p.ranFor = time.Since(p.started)
		close(p.gone)
	}()
	return p
}

// ended waits for the end.
func (p *process) ended() outcome {
	<-p.gone
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	out := outcome{
		killed: status.Signaled() && status.Signal() == syscall.SIGKILL, status: p.cmd.ProcessState.ExitCode(),
		said: p.err.String(), told: p.out.text.String(), took: p.ranFor,
	}
	if body, err := os.ReadFile(p.tally); err == nil {
		_ = json.Unmarshal(body, &out.made)
	}
	return out
}

// succeeded waits for an end that is none of a kill: done, maybe with rejects, and without a word of complaint.
func (p *process) succeeded(t *testing.T) outcome {
	t.Helper()
	out := p.ended()
	if out.status != exitDone && out.status != exitRejects || out.said != "" {
		t.Fatalf("%q: exit status %d: %s%s", p.cmd.Args, out.status, out.said, out.told)
	}
	return out
}

// run does what a person does next, in a process that dies after a while or by itself, unless both are zero. The
// process is the command or, at random, a server that the command goes through.
func (sc *scenario) run(t *testing.T, rng *rand.Rand, data string, a action, at time.Duration, by fate) outcome {
	t.Helper()
	served := a.args == nil || a.live || rng.IntN(3) == 0
	args, tallyFile := a.args, ""
	if at == 0 {
		tallyFile = filepath.Join(t.TempDir(), "tally")
	}
	if served {
		args = []string{"serve", "--addr", "127.0.0.1:0"}
	}
	p := sc.start(t, data, tallyFile, args, by)
	if at > 0 {
		kill := time.AfterFunc(at, func() { _ = p.cmd.Process.Kill() }) // it may have ended
		defer kill.Stop()
	}
	var complaints []string
	if served {
		complaints = sc.asked(t, rng, data, a, p)
	}
	out := p.ended()
	if !out.killed {
		p.succeeded(t)
		for _, c := range complaints {
			t.Error(c)
		}
	}
	t.Logf("%q served %t: %v %s: killed %t after %v, %v", strings.Join(a.args, " "), served, at, by, out.killed, out.took.Round(time.Millisecond), out.made)
	return out
}

// asked asks a server to do what a person wants, waits until it has nothing to do any more, and ends it. It returns
// what went wrong, which is no wonder if the server was killed.
func (sc *scenario) asked(t *testing.T, rng *rand.Rand, data string, a action, server *process) (complaints []string) {
	t.Helper()
	select {
	case <-server.gone:
		return nil
	case <-server.out.line:
	}
	if a.args != nil {
		client := sc.start(t, data, "", a.args, fate{})
		if a.live {
			complaints = sc.cancelled(t, time.Duration(rng.Float64()*float64(sc.took)), data, server)
		}
		if out := client.ended(); out.status != exitDone && out.status != exitRejects && !cancelledOr(a, out) {
			complaints = append(complaints, fmt.Sprintf("%q through a server: exit status %d: %s", a.args, out.status, out.said))
		}
	}
	busy := func(j wire.Job) bool { return !j.Status.Ended() && j.Status != wire.Grace }
	for server.lives() && slices.ContainsFunc(through(t, data), busy) {
		time.Sleep(5 * time.Millisecond)
	}
	if err := server.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	return complaints
}

// cancelledOr tells a failure that a cancellation explains: of what was cancelled, or of a cancel that came too late.
func cancelledOr(a action, out outcome) bool {
	return a.live && strings.Contains(out.told, "cancelled") || a.args[0] == "cancel" && tooLate(out)
}

// tooLate tells a cancel of a job that had ended, or did before it was stopped.
func tooLate(out outcome) bool {
	return strings.Contains(out.said, "ended already") || strings.Contains(out.said, "too late to cancel")
}

func (p *process) lives() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// cancelled cancels, some time from now, what runs on a server, if anything does by then.
func (sc *scenario) cancelled(t *testing.T, later time.Duration, data string, server *process) (complaints []string) {
	t.Helper()
	select {
	case <-server.gone:
	case <-time.After(later):
	}
	for _, j := range through(t, data) {
		if j.Status != wire.Running {
			continue
		}
		out := sc.start(t, data, "", []string{"cancel", j.ID}, fate{}).ended()
		if out.status != exitDone && !tooLate(out) {
			complaints = append(complaints, fmt.Sprintf("cancel: exit status %d: %s", out.status, out.said))
		}
	}
	return complaints
}

// through lists the jobs as the server that owns a data folder knows them; none if it does not answer.
func through(t *testing.T, data string) []wire.Job {
	t.Helper()
	cl := throughDoor(t.Context(), data)
	if cl == nil {
		return nil
	}
	page, err := cl.Jobs(t.Context(), "")
	if err != nil {
		return nil // it is dying
	}
	return page.Jobs
}
