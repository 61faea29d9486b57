package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"reseed/pkg/config"
)

// Exit statuses; scripts depend on them.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitRejects = 3
)

// exitError carries a status to the end of the process.
type exitError struct {
	status int
	err    error // printed; nil prints nothing more
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// shell is what all commands share: flags, environment, and where to print.
type shell struct {
	parts
	self string // how the command is called, see again
	// serving is set by serve: this process stays, where other commands end with their job.
	serving bool
	// makesData is set by commands that may make a new data folder. For the others a folder that
	// does not exist is a wrong --data.
	makesData bool
	data      string
	url       string
	json      bool
	environ   []string // as os.Environ gives it
	out       io.Writer
	errOut    io.Writer
}

const defaultData = "./data"

// again is a command line for people to copy: this command, as it was called, on the same data.
func (sh *shell) again(format string, args ...any) string {
	line := sh.self
	if sh.data != defaultData {
		line += " --data " + quoted(sh.data)
	}
	if sh.url != "" {
		line += " --url " + quoted(sh.url)
	}
	return line + " " + fmt.Sprintf(format, args...)
}

// quoted is one word of a command line.
func quoted(s string) string {
	if strings.Trim(s, "./:-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// settings reads the settings from the environment.
func (sh *shell) settings() (config.Config, error) {
	c, err := config.Read(sh.environ, 0)
	if err != nil {
		return c, usage("%s", err.Error())
	}
	return c, nil
}

// Limits of the Go runtime's memory, in bytes. With them the whole process stays below 200 MB
// during an import of any size, and below 100 MB during an erase or an export.
const (
	importMemory = 120 << 20
	eraseMemory  = 72 << 20
	exportMemory = 60 << 20
)

// limitMemory sets the limit of the Go runtime's memory, unless GOMEMLIMIT is set.
func limitMemory(bytes int64) {
	if _, own := os.LookupEnv("GOMEMLIMIT"); !own {
		debug.SetMemoryLimit(bytes)
	}
}

func execute(ctx context.Context, args []string, sh *shell) int {
	root := &cobra.Command{
		Use:   "reseed",
		Short: "Take in subscription data, look at it, erase it predictably",
		Long: `Reseed keeps a company's subscription data (customers, plans, invoices, line
items, transactions, subscription events) and can erase and re-import any of it.

Commands work on the data folder (--data). While "reseed serve" runs on that
folder they go through it by themselves. With --url and RESEED_API_KEY they
work on any running or deployed instance.`,
		Example: `  reseed serve
  reseed import testdata/company/*.csv --source Company --plan
  reseed import testdata/company/*.csv --source Company
  reseed sources list
  reseed erase source Company`,
		SilenceUsage: true, SilenceErrors: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&sh.data, "data", defaultData, "folder that holds everything")
	flags.StringVar(&sh.url, "url", "", "a running instance, e.g. https://reseed.example.com (key in RESEED_API_KEY)")
	root.SetArgs(args)
	root.SetOut(sh.out)
	root.SetErr(sh.errOut)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &exitError{exitUsage, err} })
	//nolint:contextcheck // cobra hands the context to each command
	root.AddCommand(serveCommand(sh), sourcesCommand(sh), importCommand(sh), syncCommand(sh), reprocessCommand(sh), inspectCommand(sh), exportCommand(sh), applyCommand(sh), undoCommand(sh), cancelCommand(sh),
		eraseCommand(sh), restoreCommand(sh), receiptsCommand(sh), editsCommand(sh), jobsCommand(sh), keysCommand(sh),
		backupCommand(sh), tableCommand(sh), moveCommand(sh))
	return sh.exit(root.ExecuteContext(ctx))
}

// exit prints an error, if there is one, and returns the exit status for it.
func (sh *shell) exit(err error) int {
	if err == nil {
		return exitDone
	}
	var e *exitError
	if !errors.As(err, &e) {
		e = &exitError{exitFailed, err}
		if strings.HasPrefix(err.Error(), "unknown command") || strings.Contains(err.Error(), "arg(s)") ||
			strings.HasPrefix(err.Error(), "required flag") {
			e.status = exitUsage
		}
	}
	if e.err != nil {
		sh.printError(e.err)
	}
	if e.status == exitUsage {
		_, _ = fmt.Fprintln(sh.errOut, `See "reseed --help", or "reseed COMMAND --help".`)
	}
	return e.status
}

// addJSONFlag adds --json, which makes a command answer programs.
func (sh *shell) addJSONFlag(c *cobra.Command) *cobra.Command {
	c.Flags().BoolVar(&sh.json, "json", false, "print one JSON object")
	return c
}
