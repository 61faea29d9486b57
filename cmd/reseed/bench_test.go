package main

import (
	"bufio"
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

	"reseed/internal/gen/company"
)

// The benchmarks of this file measure whole processes: the binary of `make build` on a data folder
// of its own, from the file to the durable table. They report rows a second of wall time, rows a
// CPU second, and the peak of memory in MB. RESEED_BENCH_ROWS sets how many rows the customers file
// has (1,000,000 if it is not set), and how many line items the company has.

func benchRows(b *testing.B) int {
	b.Helper()
	n, err := strconv.Atoi(os.Getenv("RESEED_BENCH_ROWS"))
	if err != nil || n < 1 {
		return 1_000_000
	}
	return n
}

// release builds the command as `make build` does.
func release(b *testing.B) string {
	b.Helper()
	bin := filepath.Join(b.TempDir(), "reseed")
	c := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", bin, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// resources are what one run of the command took.
type resources struct {
	report  report
	seconds float64 // of the job
	cpu     float64 // seconds
	peakMB  float64
}

func runCommand(b *testing.B, bin string, args ...string) resources {
	b.Helper()
	c := exec.CommandContext(b.Context(), bin, append(args, "--json")...)
	c.Stderr = os.Stderr
	out, err := c.Output()
	if err != nil && c.ProcessState.ExitCode() != exitRejects {
		b.Fatalf("%v: %v\n%s", args, err, out)
	}
	var u resources
	if err := json.Unmarshal(out, &u.report); err != nil {
		b.Fatal(err)
	}
	used, ok := c.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		b.Fatal("no usage")
	}
	u.cpu = (c.ProcessState.UserTime() + c.ProcessState.SystemTime()).Seconds()
	u.seconds, u.peakMB = u.report.Seconds, float64(used.Maxrss)/1024
	return u
}

// measure runs a command in data folders that prepare fills, and reports the rows of its jobs.
func measure(b *testing.B, name string, prepare func(dir string), bin string, args ...string) {
	b.Helper()
	b.Run(name, func(b *testing.B) {
		var rows, seconds, cpu, peak float64
		for range b.N {
			b.StopTimer()
			dir := b.TempDir()
			if prepare != nil {
				prepare(dir)
			}
			b.StartTimer()
			u := runCommand(b, bin, append(args, "--data", dir)...)
			for _, c := range u.report.Datasets {
				rows += float64(c.Read)
			}
			cpu += u.cpu
			peak = max(peak, u.peakMB)
			seconds += u.seconds
		}
		b.ReportMetric(rows/b.Elapsed().Seconds(), "rows/s")
		b.ReportMetric(rows/seconds, "rows/job-s")
		b.ReportMetric(rows/cpu, "rows/cpu-s")
		b.ReportMetric(peak, "peak-MB")
	})
}

func BenchmarkProcess(b *testing.B) {
	bin, rows := release(b), benchRows(b)
	customers := made(b, company.Options{Seed: 2, Customers: rows, Months: 24, Layout: company.Named}, company.Customers)
	args := []string{"import", customers, "--source", "Big"}
	measure(b, fmt.Sprintf("customers-%d", rows), nil, bin, args...)
	measure(b, fmt.Sprintf("customers-%d-again", rows), func(dir string) { runCommand(b, bin, append(args, "--data", dir)...) }, bin, args...)
	measure(b, fmt.Sprintf("customers-%d-plan", rows), nil, bin, append(args, "--plan")...)
	for name, row := range map[string]string{"rejects": "Somebody,\n", "unreadable-rejects": "\"a\"b,cde\n", "differing-duplicates": "N%d,same\n"} {
		measure(b, fmt.Sprintf("%s-%d", name, rows), nil, bin, "import", badRows(b, row, rows), "--source", "Big")
	}
	whole := made(b, company.Options{Seed: 1, LineItems: rows, Customers: 1, Months: 24, Layout: company.Named})
	measure(b, fmt.Sprintf("company-%d-line-items", rows), nil, bin, "import", whole, "--source", "Big")
}

// badRows writes a file of customers of which at most one row is accepted. %d in row stands for the
// row's number.
func badRows(b *testing.B, row string, rows int) string {
	b.Helper()
	name := filepath.Join(b.TempDir(), "bad.csv")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriter(f)
	_, _ = out.WriteString("Name,External ID\n") // Flush returns the error
	for i := range rows {
		_, _ = out.WriteString(strings.Replace(row, "%d", strconv.Itoa(i), 1))
	}
	if err := errors.Join(out.Flush(), f.Close()); err != nil {
		b.Fatal(err)
	}
	return name
}

// made writes the files of a made-up company to a folder, which it returns.
func made(b *testing.B, o company.Options, only ...company.Dataset) string {
	b.Helper()
	dir := b.TempDir()
	if _, err := company.WriteDir(dir, o, only...); err != nil {
		b.Fatal(err)
	}
	return dir
}

// BenchmarkExport exports what the same run has imported, and reports how many times as many rows a
// second that are.
func BenchmarkExport(b *testing.B) {
	bin, rows := release(b), benchRows(b)
	customers := made(b, company.Options{Seed: 2, Customers: rows, Months: 24, Layout: company.Named}, company.Customers)
	dir := b.TempDir()
	imported := runCommand(b, bin, "import", customers, "--source", "Big", "--data", dir)
	for _, format := range []string{"csv", "ndjson"} {
		b.Run(fmt.Sprintf("customers-%d-%s", rows, format), func(b *testing.B) {
			var seconds, cpu, peak float64
			for range b.N {
				u := runCommand(b, bin, "export", "Big", "--format", format, "--data", dir, "--out", filepath.Join(b.TempDir(), "big.zip"))
				if n := u.report.Export.Rows["customers"]; n != int64(rows) {
					b.Fatalf("%d rows, want %d", n, rows)
				}
				seconds, cpu, peak = seconds+u.seconds, cpu+u.cpu, max(peak, u.peakMB)
			}
			rate := float64(rows*b.N) / seconds
			b.ReportMetric(rate, "rows/job-s")
			b.ReportMetric(rate*imported.seconds/float64(rows), "times-the-import")
			b.ReportMetric(imported.cpu*float64(b.N)/cpu, "times-the-import/cpu")
			b.ReportMetric(peak, "peak-MB")
		})
	}
}
