// Command gen writes the sample company and the hostile files under testdata,
// and companies of any size for benchmarks.
//
//	go run ./internal/gen -out testdata/company -seed 1 -customers 200
//	go run ./internal/gen -only customers -customers 1000000 -stdout >customers.csv
//	go run ./internal/gen -out /tmp/large -line-items 4000000
//	go run ./internal/gen -out /tmp/records -format ndjson
//	go run ./internal/gen -hostile -out testdata/hostile
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"reseed/internal/gen/company"
	"reseed/internal/gen/hostile"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// flags holds what the command line says.
type flags struct {
	company.Options
	out, only       string
	stdout, hostile bool
}

func parse(args []string) (flags, error) {
	var f flags
	set := flag.NewFlagSet("gen", flag.ContinueOnError)
	set.StringVar(&f.out, "out", "", "folder to write to")
	set.Uint64Var(&f.Seed, "seed", 1, "another seed makes another company")
	set.IntVar(&f.Customers, "customers", 200, "number of customers")
	set.IntVar(&f.LineItems, "line-items", 0, "if above 0: add customers until there are about this many line items")
	set.IntVar(&f.Months, "months", 24, "months of history, ending with December 2025")
	set.StringVar((*string)(&f.Layout), "headers", string(company.Named), "named (current, with customer names), current or 2020")
	set.Func("format", "csv (unless given) or ndjson", func(s string) error {
		if f.Format = company.Format(s); s == "csv" {
			f.Format = company.CSV
		}
		return nil
	})
	set.StringVar(&f.only, "only", "", "write this dataset only")
	set.BoolVar(&f.stdout, "stdout", false, "write the one dataset of -only to standard output")
	set.BoolVar(&f.hostile, "hostile", false, "write the hostile files instead of a company")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if f.stdout == (f.out != "") || f.stdout && (f.only == "" || f.hostile) || set.NArg() > 0 {
		return f, errors.New("say where to: -out FOLDER, or -stdout with -only DATASET")
	}
	return f, nil
}

func run(args []string, stdout io.Writer) error {
	f, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case f.hostile:
		return hostile.WriteDir(f.out)
	case f.stdout:
		_, err = company.Generate(f.Options, map[company.Dataset]io.Writer{company.Dataset(f.only): stdout})
	case f.only != "":
		_, err = company.WriteDir(f.out, f.Options, company.Dataset(f.only))
	default:
		_, err = company.WriteDir(f.out, f.Options)
	}
	return err
}
