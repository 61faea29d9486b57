package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reseed/pkg/backup"
	"reseed/pkg/fault"
)

// backupMaker makes a backup in a folder, whose path is absolute.
type backupMaker func(ctx context.Context, folder string, show func(backup.Progress)) (backup.Manifest, error)

func backupCommand(sh *shell) *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:   "backup FOLDER",
		Short: "Back up the data folder, also while it is served",
		Long: `Make a backup of the data folder, as it is at one moment, in a folder that does
not exist or is empty. "reseed serve" and imports may go on meanwhile. The backup is
read from beginning to end before it gets its name, so what has the name is whole.

To restore, use it as a data folder: reseed serve --data FOLDER, or any other
command. It is checked, and refused if it is damaged. From then on it is a data
folder like any other, and no backup any more: to keep the backup, open a copy (cp -a).
API keys do not come along.

Receipts of erases list the backups that exist, and those that are still where they
were put are told of each erase, so that they say what they bring back.`,
		Example: `  reseed backup /backups/2026-11-29
  reseed backup --check /backups/2026-11-29
  reseed serve --data /backups/2026-11-29`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if sh.url != "" {
				return usage("backup works on a data folder of this machine, not with --url: run it where the data is")
			}
			folder, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			if check {
				return sh.checkBackup(c.Context(), folder)
			}
			return sh.backUp(c.Context(), folder)
		},
	}
	c.Flags().BoolVar(&check, "check", false, "make none: read the backup in FOLDER from beginning to end, and say whether it is whole")
	return sh.addJSONFlag(c)
}

// backupReport is what the command prints with --json.
type backupReport struct {
	Folder string `json:"folder"`
	backup.Manifest
	Copied  float64 `json:"copied_seconds,omitempty"` // until everything was copied
	Seconds float64 `json:"seconds"`                  // with reading it
}

func (sh *shell) backUp(ctx context.Context, folder string) error {
	s, err := sh.connect(ctx)
	if err != nil {
		return err
	}
	r := backupReport{Folder: folder}
	began := time.Now()
	reading := sh.reading()
	r.Manifest, err = s.makeBackup(ctx, folder, func(p backup.Progress) {
		if p.Copied == 0 {
			reading(p.Items, p.Objects)
			return
		}
		r.Copied = p.Copied
		if !sh.json {
			sh.printf("Copied in %.1f s. Reading it back.\n", p.Copied)
		}
	})
	if err = errors.Join(err, s.close()); err != nil {
		return err
	}
	r.Seconds = time.Since(began).Seconds()
	return sh.show(r, "Backup of %s in %s: %d items and %d files, %s, in %.1f s.\nTo check it again: %s\n",
		r.MadeAt.Format(time.RFC3339), folder, r.Items, r.Objects, megabytes(r.Bytes()), r.Seconds, sh.again("backup --check %s", quoted(folder)))
}

func (sh *shell) checkBackup(ctx context.Context, folder string) error {
	began := time.Now()
	m, err := backup.Check(ctx, folder, sh.reading())
	if err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	r := backupReport{Folder: folder, Manifest: m, Seconds: time.Since(began).Seconds()}
	return sh.show(r, "The backup of %s in %s is whole: %d items and %d files, %s, read in %.1f s.\n",
		m.MadeAt.Format(time.RFC3339), folder, m.Items, m.Objects, megabytes(m.Bytes()), r.Seconds)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// readingEvery is how often the command says how far it has read.
const readingEvery = 5 * time.Second

// reading prints now and then how far a backup has been read.
func (sh *shell) reading() backup.Reading {
	last := time.Now()
	return func(items, objects int64) {
		if sh.json || time.Since(last) < readingEvery {
			return
		}
		last = time.Now()
		sh.printf("  %d items and %d files read\n", items, objects)
	}
}

// makeBackup makes a backup in this process.
func (in *instance) makeBackup(ctx context.Context, folder string, show func(backup.Progress)) (backup.Manifest, error) {
	if in.backups == nil {
		return backup.Manifest{}, usage("backup is for a data folder; the data is in DynamoDB here, which keeps backups itself (docs/RUNBOOK.md, Restoring)")
	}
	return in.backups.Make(ctx, folder, show)
}

// openBackup checks the data folder, if it is a backup, before it is opened.
func (sh *shell) openBackup(ctx context.Context) (*backup.Opening, error) {
	o, err := backup.Open(ctx, sh.data, sh.reading())
	if err != nil && !fault.Is(err, fault.Busy) {
		return nil, fmt.Errorf("%s: %w", sh.data, err)
	}
	return o, err
}

// settleBackups removes what a killed process has left of a backup. If the data folder is a backup
// itself, it says so, once.
func (sh *shell) settleBackups(ctx context.Context, b *backup.Backups, opening *backup.Opening) error {
	if err := b.Recover(ctx); err != nil || opening == nil {
		return err
	}
	return opening.Settle(ctx, b, sh.sayOpened)
}

// sayOpened says what a backup brings back.
func (sh *shell) sayOpened(o backup.Opened) error {
	say := func(format string, args ...any) { fprintf(sh.errOut, "reseed: "+format+"\n", args...) }
	say("%s is a backup of %s, made of %s. All of it was read and is whole. From now on it is a data folder like any other.",
		sh.data, o.MadeAt.Format(time.RFC3339), o.Data)
	say("Jobs that were under way at that time go on: %s", sh.again("jobs"))
	if o.Keys > 0 {
		say("API keys do not come along, since some may have been removed after the backup (%d). To make one: %s", o.Keys, sh.again("keys add NAME"))
	}
	if len(o.Returns) > 0 {
		say("It brings back what these erases have removed since. To erase it again: %s", sh.again("erase --help"))
	}
	for _, n := range o.Returns {
		what := strings.Join(append([]string{string(n.Selection), n.SourceName, n.Import}, n.Records...), " ")
		say("  erased since %s: %s (job %s)", n.AskedAt.Format(time.RFC3339), strings.Join(strings.Fields(what), " "), n.Job)
	}
	say("Erases that ended while it was not where it was put are not known here: compare with the receipts of %s.", o.Data)
	return nil
}

// version is this program's version, as the Go command has stamped it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}

// backupPath is the path on which a server makes a backup for a command on its data folder. It
// answers with a stream of [backupAnswer]s.
const backupPath = "/reseed-door/backup"

type backupRequest struct {
	Folder string `json:"folder"` // an absolute path
}

// backupAnswer is one of a stream: progress, or nothing, which only says that the server lives; the
// last one has a manifest or an error.
type backupAnswer struct {
	Progress *backup.Progress `json:"progress,omitempty"`
	Made     *backup.Manifest `json:"made,omitempty"`
	Error    string           `json:"error,omitempty"`
}

// aliveEvery is how often the server answers if there is nothing to tell. It is less than a client
// waits for the next byte.
const aliveEvery = 10 * time.Second

// backupHandler makes a backup. It stops when the command or the server ends.
func backupHandler(serving context.Context, makeBackup backupMaker) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked backupRequest
		if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&asked); err != nil || !filepath.IsAbs(asked.Folder) {
			http.Error(w, "the absolute path of a folder is needed", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(serving, cancel)()
		out := http.NewResponseController(w)
		if err := errors.Join(out.SetReadDeadline(time.Time{}), out.SetWriteDeadline(time.Time{})); err != nil {
			http.Error(w, "no stream", http.StatusInternalServerError)
			return
		}
		for a := range backupAnswers(ctx, asked.Folder, makeBackup) { //nolint:contextcheck // it is the request's, and ends with the server
			_ = json.NewEncoder(w).Encode(a) // if the command has ended, so does ctx
			_ = out.Flush()
		}
	})
}

// backupAnswers makes a backup, and sends what there is to tell. The channel is closed when the
// backup has ended; read it up to then.
func backupAnswers(ctx context.Context, folder string, makeBackup backupMaker) <-chan backupAnswer {
	answers := make(chan backupAnswer)
	done := make(chan backupAnswer)
	go func() {
		m, err := makeBackup(ctx, folder, func(p backup.Progress) { answers <- backupAnswer{Progress: &p} })
		if err != nil {
			done <- backupAnswer{Error: err.Error()}
			return
		}
		done <- backupAnswer{Made: &m}
	}()
	go func() {
		defer close(answers)
		alive := time.NewTicker(aliveEvery)
		defer alive.Stop()
		for {
			select {
			case last := <-done:
				answers <- last
				return
			case <-alive.C:
				answers <- backupAnswer{}
			}
		}
	}()
	return answers
}

// askForBackup returns a maker that asks the server that has the data folder open.
func askForBackup(d door, over *http.Client) backupMaker {
	return func(ctx context.Context, folder string, show func(backup.Progress)) (m backup.Manifest, err error) {
		body, err := json.Marshal(backupRequest{folder})
		if err != nil {
			return m, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL+backupPath, bytes.NewReader(body))
		if err != nil {
			return m, err
		}
		req.SetBasicAuth(d.Key, "")
		resp, err := over.Do(req)
		if err != nil {
			return m, fmt.Errorf("the server on this data folder cannot be reached: %w", errors.Unwrap(err))
		}
		defer func() { _ = resp.Body.Close() }()
		if resp.StatusCode != http.StatusOK {
			return m, fmt.Errorf("the server on this data folder makes no backup (%s): it may be of an older version", resp.Status)
		}
		m, err = readBackupAnswers(resp.Body, show)
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return m, err
	}
}

func readBackupAnswers(r io.Reader, show func(backup.Progress)) (m backup.Manifest, err error) {
	for lines := json.NewDecoder(r); ; {
		var a backupAnswer
		if err := lines.Decode(&a); err != nil {
			return m, errors.New("the server ended before the backup was whole; the next start removes what is left of it")
		}
		switch {
		case a.Progress != nil:
			show(*a.Progress)
		case a.Made != nil:
			return *a.Made, nil
		case a.Error != "":
			return m, errors.New(a.Error)
		}
	}
}
