package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"reseed/internal/gen/company"
	"reseed/pkg/api/client"
	"reseed/pkg/store"
	"reseed/pkg/table"
	"reseed/pkg/table/dynamojson"
	"reseed/pkg/table/pebble"
)

// scriptCommands are the commands that scripts have besides testscript's own.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"status": status, "await": await, "jobid": jobid, "newjob": newJob, "until": until, "dump": dump, "zip": zipFiles, "company": makeCompany,
		"tag": tag, "google": standIn, "stripe": stripeStandIn,
	}
}

// status runs `reseed` and checks its exit status: status 3 import FILE.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N ARG...")
	}
	got := exitDone
	if err := ts.Exec("reseed", args[1:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("reseed %q: %v", args[1:], err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("reseed %q: exit status %d, want %s", args[1:], got, args[0])
	}
}

// await waits until a background command has made a file whose name matches a pattern.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await FILE")
	}
	name := ts.MkAbs(args[0])
	for {
		if found, err := filepath.Glob(name); err != nil || len(found) > 0 {
			ts.Check(err)
			return
		}
		pause(ts, "there is no "+args[0])
	}
}

// pause waits a moment for the background commands. If all have ended it fails: what the script
// waits for never comes.
func pause(ts *testscript.TestScript, missing string) {
	if !slices.ContainsFunc(ts.BackgroundCmds(), func(c *exec.Cmd) bool { return syscall.Kill(c.Process.Pid, 0) == nil }) {
		ts.Fatalf("all background commands have ended, and %s", missing)
	}
	time.Sleep(time.Millisecond)
}

// tag gives a customer a tag, through the server that has the data folder open.
func tag(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tag EXTERNAL-ID TAG")
	}
	var d door
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("data/serve.json")), &d))
	c := client.New(d.URL, d.Key, &http.Client{})
	var list struct {
		Entries []struct {
			UUID string `json:"uuid"`
		} `json:"entries"`
	}
	ts.Check(c.Call(context.Background(), http.MethodGet, "/v1/customers?external_id="+args[0], nil, &list))
	for _, e := range list.Entries {
		ts.Check(c.Call(context.Background(), http.MethodPost, "/v1/customers/"+e.UUID+"/attributes/tags", map[string]any{"tags": args[1:]}, nil))
	}
}

// jobid puts the job of a --json report, or the newest of a list of them, into a variable.
func jobid(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jobid FILE VARIABLE")
	}
	id := jobOf(ts, args[0])
	if id == "" {
		ts.Fatalf("%s names no job", args[0])
	}
	ts.Setenv(args[1], id)
}

// jobOf finds the job of a --json report, or the newest of a list of them.
func jobOf(ts *testscript.TestScript, file string) string {
	var r struct {
		report
		Jobs []report `json:"jobs"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &r))
	if len(r.Jobs) > 0 {
		return r.Jobs[0].Job
	}
	return r.Job
}

// newJob waits until a background command has made a job after the job KNOWN, and puts it into a
// variable: newjob KNOWN VARIABLE.
func newJob(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: newjob KNOWN VARIABLE")
	}
	for {
		ts.Check(ts.Exec("reseed", "jobs", "--json"))
		if id := jobOf(ts, "stdout"); id != args[0] {
			ts.Setenv(args[1], id)
			return
		}
		pause(ts, "there is no newer job")
	}
}

// until runs `reseed` again and again until its output matches: until PATTERN ARG...
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN ARG...")
	}
	for want := regexp.MustCompile(args[0]); ; {
		ts.Check(ts.Exec("reseed", args[1:]...))
		if want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		pause(ts, "it does not print "+args[0])
	}
}

// dump writes every item of a source, or of all sources, to a file, with stamps, pointers and
// edits: the attributes by name, for people who read a difference, and the stored bytes.
func dump(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: dump FILE [SOURCE]")
	}
	d, err := pebble.Open(ts.MkAbs("data/table"), pebble.Options{})
	ts.Check(err)
	st := store.New(d)
	defer func() { ts.Check(st.Close()) }()
	dir, err := st.Directory(context.Background())
	ts.Check(err)
	var out bytes.Buffer
	for _, src := range dir.Sources {
		if len(args) == 2 && src.Name != args[1] {
			continue
		}
		for _, pk := range partitions(src) {
			for it, err := range st.Items(context.Background(), table.Query{PK: pk}) {
				ts.Check(err)
				fmt.Fprintf(&out, "%s %x\n", dynamojson.AppendItem(nil, it), []byte(it.Attrs))
			}
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o600))
}

// partitions lists all partition keys that items of a source may have.
func partitions(src store.Source) []string {
	sp := src.Space()
	pks := []string{sp.PlanPK()}
	for shard := range src.Shards {
		pks = append(pks, sp.CustomerPK(shard), sp.DataPK(shard), sp.EditPK(shard))
	}
	return pks
}

// zipFiles makes a ZIP: zip [-declare N] [-encrypted] [-in FOLDER] OUT FILE... With -declare the
// ZIP says that each file unpacks to N bytes, with -encrypted that it needs a password.
func zipFiles(ts *testscript.TestScript, neg bool, args []string) {
	flags := flag.NewFlagSet("zip", flag.ContinueOnError)
	declare := flags.Uint64("declare", 0, "")
	encrypted := flags.Bool("encrypted", false, "")
	folder := flags.String("in", "export", "")
	if err := flags.Parse(args); neg || err != nil || flags.NArg() < 2 {
		ts.Fatalf("usage: zip [-declare N] [-encrypted] [-in FOLDER] OUT FILE...")
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range flags.Args()[1:] {
		body := []byte(ts.ReadFile(name))
		h := &zip.FileHeader{
			Name: path.Join(*folder, filepath.Base(name)), Method: zip.Store, CRC32: crc32.ChecksumIEEE(body),
			CompressedSize64: uint64(len(body)), UncompressedSize64: max(*declare, uint64(len(body))),
		}
		if *encrypted {
			h.Flags |= 1
		}
		w, err := z.CreateRaw(h)
		ts.Check(err)
		_, err = io.Copy(w, bytes.NewReader(body))
		ts.Check(err)
	}
	ts.Check(z.Close())
	ts.Check(os.WriteFile(ts.MkAbs(flags.Arg(0)), out.Bytes(), 0o600))
}

// makeCompany writes customers.csv of a company of N customers: company N FOLDER.
func makeCompany(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: company N FOLDER")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	o := company.Options{Seed: 9, Customers: n, Months: 12, Layout: company.Named}
	_, err = company.WriteDir(ts.MkAbs(args[1]), o, company.Customers)
	ts.Check(err)
}
