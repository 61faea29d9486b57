package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"reseed/internal/gen/company"
)

// backupPairs is how many pairs of imports BenchmarkBackup compares; RESEED_BENCH_PAIRS sets another
// number.
func backupPairs(b *testing.B) int {
	b.Helper()
	n, err := strconv.Atoi(os.Getenv("RESEED_BENCH_PAIRS"))
	if err != nil || n < 1 {
		return 5
	}
	return n
}

// BenchmarkBackup makes a backup of a data folder of customers while as many are imported into it
// through the server, and their rows are being written. It reports, as medians, how long copying
// took, and the whole backup with reading it back. Of pairs of imports, the order of which
// alternates, it reports the seconds of the one beside a backup as a share of the other's, and of
// the server's CPU seconds, which are with the reading.
func BenchmarkBackup(b *testing.B) {
	bin, rows := release(b), benchRows(b)
	customers := made(b, company.Options{Seed: 2, Customers: rows, Months: 24, Layout: company.Named}, company.Customers)
	from := b.TempDir()
	runCommand(b, bin, "import", customers, "--source", "Big", "--data", from)
	var copied, whole, share, cpu []float64
	for n := range backupPairs(b) {
		var runs [2]beside // without and with a backup
		for _, with := range []int{n % 2, 1 - n%2} {
			dir := filepath.Join(b.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				b.Fatal(err)
			}
			runs[with] = importBeside(b, bin, dir, customers, with == 1)
			if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
				b.Fatal(err)
			}
		}
		r := runs[1].made
		copied, whole = append(copied, r.Copied), append(whole, r.Seconds)
		share, cpu = append(share, runs[1].seconds/runs[0].seconds), append(cpu, runs[1].cpu/runs[0].cpu)
		b.Logf("import %.1f s, CPU %.1f s; beside a backup %.1f s, CPU %.1f s (copied in %.2f s, whole in %.1f s, %d items)",
			runs[0].seconds, runs[0].cpu, runs[1].seconds, runs[1].cpu, r.Copied, r.Seconds, r.Items)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(copied), "copy-s")
	b.ReportMetric(median(whole), "backup-s")
	b.ReportMetric(median(share), "import-share")
	b.ReportMetric(median(cpu), "cpu-share")
}

// beside is an import, and the backup that was made meanwhile.
type beside struct {
	seconds float64 // of the import
	cpu     float64 // seconds of the server
	made    backupReport
}

// importBeside imports through a server, and makes a backup once rows are being written.
func importBeside(b *testing.B, bin, dir, customers string, backUp bool) (r beside) {
	b.Helper()
	server := exec.CommandContext(b.Context(), bin, "serve", "--addr", "127.0.0.1:0", "--data", dir)
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	var s *session
	for s == nil {
		time.Sleep(20 * time.Millisecond)
		s = throughDoor(b.Context(), dir)
	}
	made := make(chan error, 1)
	go func() {
		err := s.applying(b.Context())
		if !backUp || err != nil {
			made <- err
			return
		}
		out, err := exec.CommandContext(b.Context(), bin, "backup", dir+".backup", "--data", dir, "--json").Output()
		made <- errors.Join(err, json.Unmarshal(out, &r.made))
	}()
	r.seconds = runCommand(b, bin, "import", customers, "--source", "Other", "--data", dir).seconds
	if err := <-made; err != nil {
		b.Fatal(fmt.Errorf("the backup: %w", err))
	}
	_ = server.Process.Signal(syscall.SIGTERM)
	_ = server.Wait()
	r.cpu = (server.ProcessState.UserTime() + server.ProcessState.SystemTime()).Seconds()
	return r
}

// applying waits until a second job writes rows, or has ended.
func (s *session) applying(ctx context.Context) error {
	for {
		page, err := s.Jobs(ctx, "")
		if err != nil {
			return err
		}
		if newest := page.Jobs[0]; len(page.Jobs) > 1 && (strings.Contains(newest.Stage, "apply") || newest.Status.Ended()) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}
