package importer_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"

	"reseed/internal/buckettest"
	"reseed/pkg/importer"
	"reseed/pkg/job"
	"reseed/pkg/objects"
	"reseed/pkg/table/mem"
)

// zipOf is a ZIP of these files, in this order.
func zipOf(t tester, files ...input) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write(f.body)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// boasting is a ZIP whose one file declares a false size.
func boasting(t tester, size uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	text := []byte("Name,External ID\n")
	w, err := z.CreateRaw(&zip.FileHeader{
		Name: "customers.csv", Method: zip.Store, CRC32: crc32.ChecksumIEEE(text), CompressedSize64: uint64(len(text)), UncompressedSize64: size,
	})
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func threeFiles(t tester) input {
	t.Helper()
	var files []input
	for _, name := range []string{"a", "b", "c"} {
		body := "Name,External ID\n"
		for i := range 30 {
			body += fmt.Sprintf("%s%d,%s%d\n", name, i, name, i)
		}
		files = append(files, input{name: name + ".csv", body: []byte(body)})
	}
	files[0] = input{name: "a.xlsx", body: bookOf(t, tabOf{"Sheet1", cellsOf(string(files[0].body))})}
	files[1].body = encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), string(files[1].body))
	files[2] = input{name: "c.csv.gz", body: gzipped(t, files[2].body)}
	return input{name: "three.zip", body: zipOf(t, files...)}
}

// ZIPs that would unpack to too much are refused before anything is unpacked: one alone, or all of
// an import together.
func TestLimitsOfZIPs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		sizes []uint64
		says  string // empty: the limits do not refuse it
	}{
		"little, of any ratio":               {[]uint64{99 << 20}, ""},
		"much, over the ratio":               {[]uint64{101 << 20}, "one0.zip: The ZIP file would unpack to 101 MiB, which is more than 200 times its size"},
		"little each, over the ratio in all": {[]uint64{60 << 20, 60 << 20}, "The ZIP files of this import together would unpack to 120 MiB"},
		"one that is too large":              {[]uint64{51 << 30}, "more than 50 GiB"},
		"ratios aside, too large in all":     {[]uint64{26 << 30, 26 << 30}, "more than 50 GiB in all"},
		"sizes whose sum runs over":          {[]uint64{1 << 63, 1 << 63}, "more than 50 GiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLine(mem.New(mem.Options{}), objects.Mem(), 0, 0)
			var zips []input
			for i, size := range tt.sizes {
				zips = append(zips, input{name: fmt.Sprintf("one%d.zip", i), body: boasting(t, size)})
			}
			j := l.run(t, l.source(t, "S"), zips...)
			limited := strings.Contains(j.Error, "GiB") || strings.Contains(j.Error, "MiB")
			if j.Status != job.Failed || limited != (tt.says != "") || !strings.Contains(j.Error, tt.says) {
				t.Errorf("%s: %s", j.Status, j.Error)
			}
			if names, err := l.objects.Names(t.Context(), j.Prefix()); err != nil || len(names) > 0 {
				t.Errorf("%v are left, %v", names, err)
			}
		})
	}
}

// Each file of a ZIP is unpacked once, wherever the work is interrupted: what is unpacked stays,
// and the outcome is the same.
func TestAHalfUnpackedZIPGoesOn(t *testing.T) {
	t.Parallel()
	begun := genesis(t)
	act := func(t tester, w *world) {
		t.Helper()
		w.do(t, func(p *process) error {
			if len(w.news(t)) > 0 {
				return nil
			}
			_, err := p.Submit(t.Context(), importer.Request{Source: w.src, Origin: job.ByFile, Files: w.quiet.put(t.Context(), t, []input{threeFiles(t)})})
			return err
		})
		w.settle(t)
	}
	var want outcome
	calls := 0
	begun.run(t, mem.Options{}, [2]int64{400, 1}, func(t tester, w *world) {
		w.trouble = func(*process, int, string, bool) error { return nil }
		act(t, w)
		want, calls = w.outcome(t), int(w.calls.Load())
	})
	if want.Jobs[0].Counts["customers"].Added != 90 {
		t.Fatalf("%+v", want.Jobs[0])
	}
	for n := 1; n <= min(calls, 120); n += 2 {
		begun.run(t, mem.Options{Limits: quick(n%4 == 1)}, [2]int64{400, 1}, func(t tester, w *world) {
			w.trouble = func(p *process, call int, _ string, done bool) error {
				if call != n || !done {
					return nil
				}
				p.dead.Store(true)
				return errCut()
			}
			act(t, w)
			if diff := cmp.Diff(want, w.outcome(t)); diff != "" {
				t.Fatalf("killed at call %d: -want +got\n%s", n, diff)
			}
		})
	}
}

// What is unpacked stays as it is when the next worker goes on, and two workers never unpack the
// same file.
func TestAFileIsUnpackedOnce(t *testing.T) {
	t.Parallel()
	l := newLine(mem.New(mem.Options{}), objects.Mem(), 400, 1)
	j := l.upTo(t, l.source(t, "S"), " unpack/", threeFiles(t))
	tasks := slices.Clone(l.queue)
	if len(tasks) != 3 {
		t.Fatalf("%v", tasks)
	}
	if err := l.Handle(t.Context(), tasks[0]); err != nil {
		t.Fatal(err)
	}
	list := func() (out []objects.Info) {
		for info, err := range l.objects.List(t.Context(), j.Prefix()+"input/") {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, info)
		}
		return out
	}
	first := list()
	if len(first) != 1 {
		t.Fatalf("%v", first)
	}
	held, err := l.ledger.Claim(t.Context(), job.Task{ID: tasks[1].Task, Job: j.ID}, l.ledger.NewHolder())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append(tasks, importer.Message{Job: j.ID}) { // all messages again, to another worker
		if err := l.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if now := list(); len(now) != 2 || now[0] != first[0] {
		t.Errorf("%v, then %v", first, now)
	}
	if err := l.ledger.Release(t.Context(), held); err != nil {
		t.Fatal(err)
	}
	if j = l.finished(t, j.ID); j.Status != job.Done || j.Datasets["customers"].Added != 90 {
		t.Errorf("%s %s %s", j.Status, j.Error, counts(j))
	}
}

// An import that is cancelled while a large file is unpacked stops reading, however much of the
// file is left, and nothing of what was unpacked is left.
func TestCancelWhileUnpacking(t *testing.T) {
	t.Parallel()
	var opened func()
	l := newLine(mem.New(mem.Options{}), buckettest.Objects(&objects.Memory{}, func(op buckettest.Op, done bool) error {
		if op == buckettest.Open && done {
			opened()
		}
		return nil
	}), 400, 1)
	opened = func() {}
	noise := make([]byte, 5<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	large := input{name: "large.csv", body: fmt.Appendf(nil, "Name,External ID\n%x\n", noise)}
	small := input{name: "small.csv", body: []byte("Name,External ID\nA,a\n")}
	j := l.upTo(t, l.source(t, "S"), " unpack/", input{name: "two.zip", body: zipOf(t, small, large)})
	if err := l.Handle(t.Context(), l.queue[0]); err != nil {
		t.Fatal(err)
	}
	chunks := 0
	opened = func() {
		if chunks++; chunks == 3 { // the directory, and the beginning of the file
			if _, err := l.Cancel(t.Context(), j.ID); err != nil {
				t.Error(err)
			}
			l.pass(time.Second)
		}
	}
	if err := l.Handle(t.Context(), l.queue[1]); err != nil {
		t.Fatal(err)
	}
	if chunks != 3 {
		t.Errorf("%d chunks of the ZIP were read", chunks)
	}
	opened = func() {}
	if j = l.finished(t, j.ID); j.Status != job.Cancelled {
		t.Fatalf("%s: %s", j.Status, j.Error)
	}
	if names, err := l.objects.Names(t.Context(), j.Prefix()); err != nil || len(names) > 0 {
		t.Errorf("%v are left, %v", names, err)
	}
}

// A file that can't be unpacked in the time of a step is not tried for ever: after three whole
// steps the import fails, and says so. A step that had little time from the start does not count.
func TestAFileThatNoStepCanUnpack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := func(op buckettest.Op, done bool) error {
			if op == buckettest.Open && done {
				time.Sleep(7 * time.Second)
			}
			return nil
		}
		l := &line{}
		var hook buckettest.Hook
		l.wire(mem.New(mem.Options{}), buckettest.Objects(&objects.Memory{}, func(op buckettest.Op, done bool) error {
			if hook == nil {
				return nil
			}
			return hook(op, done)
		}), 400, 1, time.Now)
		noise := make([]byte, 10<<20)
		_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
		j := l.upTo(t, l.source(t, "S"), " unpack/", input{
			name: "z.zip", body: zipOf(t, input{name: "large.csv", body: fmt.Appendf(nil, "Name,External ID\n%x\n", noise)}),
		})
		task := l.queue[0]
		hook = slow
		for n, limit := range []time.Duration{30 * time.Second, 65 * time.Second, 65 * time.Second, 65 * time.Second, 65 * time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			if err := l.Handle(ctx, task); err != nil {
				t.Fatalf("step %d: %v", n, err)
			}
			cancel()
		}
		hook = nil
		if j = l.finished(t, j.ID); j.Status != job.Failed || !strings.Contains(j.Error, "z.zip: large.csv: This file in the ZIP takes longer") {
			t.Errorf("%s: %s", j.Status, j.Error)
		}
	})
}
