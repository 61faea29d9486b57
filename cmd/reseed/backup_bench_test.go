package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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
// through the server. It reports, as medians, how long copying took, and the whole backup with
// reading it back; and the time of that import as a share of the same import without a backup, in
// pairs, the order of which alternates.
func BenchmarkBackup(b *testing.B) {
	bin, rows := release(b), benchRows(b)
	customers := made(b, company.Options{Seed: 2, Customers: rows, Months: 24, Layout: company.Named}, company.Customers)
	from := b.TempDir()
	runCommand(b, bin, "import", customers, "--source", "Big", "--data", from)
	var copied, whole, share []float64
	for n := range backupPairs(b) {
		var seconds [2]float64 // without and with a backup
		for _, with := range []int{n % 2, 1 - n%2} {
			dir := filepath.Join(b.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				b.Fatal(err)
			}
			var r backupReport
			seconds[with], r = importBeside(b, bin, dir, customers, with == 1)
			if with == 1 {
				copied, whole = append(copied, r.Copied), append(whole, r.Seconds)
			}
			if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
				b.Fatal(err)
			}
		}
		share = append(share, seconds[1]/seconds[0])
		b.Logf("import %.1f s, beside a backup %.1f s (copied in %.2f s, whole in %.1f s)", seconds[0], seconds[1], copied[n], whole[n])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(copied), "copy-s")
	b.ReportMetric(median(whole), "backup-s")
	b.ReportMetric(median(share), "import-share")
}

// importBeside imports through a server, and makes a backup a moment after the import has begun. It
// returns the seconds of the import.
func importBeside(b *testing.B, bin, dir, customers string, backUp bool) (seconds float64, r backupReport) {
	b.Helper()
	server := exec.CommandContext(b.Context(), bin, "serve", "--addr", "127.0.0.1:0", "--data", dir)
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	for {
		if _, err := os.Stat(doorFile(dir)); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	made := make(chan error, 1)
	go func() {
		if !backUp {
			made <- nil
			return
		}
		time.Sleep(5 * time.Second)
		out, err := exec.CommandContext(b.Context(), bin, "backup", dir+".backup", "--data", dir, "--json").Output()
		made <- errors.Join(err, json.Unmarshal(out, &r))
	}()
	used := runCommand(b, bin, "import", customers, "--source", "Other", "--data", dir)
	if err := <-made; err != nil {
		b.Fatal(fmt.Errorf("the backup: %w", err))
	}
	_ = server.Process.Signal(syscall.SIGTERM)
	_ = server.Wait()
	return used.seconds, r
}
