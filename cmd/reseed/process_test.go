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

// commands makes a folder with the commands reseed and mortal: this test binary under other names.
// If it has the race detector in it, they are built without, since then they take a third of the
// time.
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

// raced reports whether this binary has the race detector in it.
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
	gone    chan struct{} // closed when it has ended
	ranFor  time.Duration
}

// outcome is how a process has ended.
type outcome struct {
	killed bool
	status int
	stdout string
	stderr string
	took   time.Duration
	made   tally // unless it was killed
}

// greeting collects the output of a process, and tells when a server has printed where it listens.
type greeting struct {
	text bytes.Buffer
	once sync.Once
	url  string        // valid when line is closed
	line chan struct{} // closed when the line with the url was printed
}

var listens = regexp.MustCompile(`Reseed serves (\S+) .*\n`)

// Write collects p.
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

// start starts a command on a data folder. It writes its tally to tallyFile, unless that is empty.
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
	p.cmd.Env = append(append(os.Environ(), envTally+"="+tallyFile, envFate+"="+by.String()), sc.env...)
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
		_ = p.cmd.Wait() // ended returns how it ended
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
		stdout: p.out.text.String(), stderr: p.err.String(), took: p.ranFor,
	}
	if body, err := os.ReadFile(p.tally); err == nil {
		_ = json.Unmarshal(body, &out.made)
	}
	return out
}

// succeeded waits for the process, which must end by itself: done, maybe with rejects, and without
// complaints.
func (p *process) succeeded(t *testing.T) outcome {
	t.Helper()
	out := p.ended()
	if out.status != exitDone && out.status != exitRejects || out.stderr != "" {
		t.Fatalf("%q: exit status %d: %s%s", p.cmd.Args, out.status, out.stderr, out.stdout)
	}
	return out
}

// run does what a person does next in a process: the command or, at random, a server that the
// command goes through. The process is killed after the time at, kills itself as by says, or, if
// both are zero, lives to its end.
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
		complaints = sc.askServer(t, rng, data, a, p)
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

// askServer asks a server to do what a person wants, waits until it has nothing more to do, and
// stops it. It returns what went wrong, which does not matter if the server was killed.
func (sc *scenario) askServer(t *testing.T, rng *rand.Rand, data string, a action, server *process) (complaints []string) {
	t.Helper()
	select {
	case <-server.gone:
		return nil
	case <-server.out.line:
	}
	if a.args != nil {
		client := sc.start(t, data, "", a.args, fate{})
		if a.live {
			complaints = sc.cancelRunning(t, time.Duration(rng.Float64()*float64(sc.took)), data, server)
		}
		if out := client.ended(); out.status != exitDone && out.status != exitRejects && !explained(a, out) {
			complaints = append(complaints, fmt.Sprintf("%q through a server: exit status %d: %s", a.args, out.status, out.stderr))
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

// explained reports whether a cancel explains the failure of a command: its job was cancelled, or
// the command is a cancel that came too late.
func explained(a action, out outcome) bool {
	return a.live && strings.Contains(out.stdout, "cancelled") || a.args[0] == "cancel" && tooLate(out)
}

// tooLate reports whether a cancel failed since its job ended first.
func tooLate(out outcome) bool {
	return strings.Contains(out.stderr, "ended already") || strings.Contains(out.stderr, "too late to cancel")
}

func (p *process) lives() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// cancelRunning waits, and then cancels the jobs that run on a server.
func (sc *scenario) cancelRunning(t *testing.T, later time.Duration, data string, server *process) (complaints []string) {
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
			complaints = append(complaints, fmt.Sprintf("cancel: exit status %d: %s", out.status, out.stderr))
		}
	}
	return complaints
}

// through lists the jobs that the server of a data folder knows; nil if it does not answer.
func through(t *testing.T, data string) []wire.Job {
	t.Helper()
	cl := throughDoor(t.Context(), data)
	if cl == nil {
		return nil
	}
	page, err := cl.Jobs(t.Context(), "")
	if err != nil {
		return nil // the server is dying
	}
	return page.Jobs
}
