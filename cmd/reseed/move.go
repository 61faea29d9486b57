package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"reseed/pkg/config"
	"reseed/pkg/fault"
	"reseed/pkg/mover"
)

// toDynamoDB is the --to that means a table and a bucket; any other one is a data folder.
const toDynamoDB = "dynamodb"

func moveCommand(sh *shell) *cobra.Command {
	var to string
	var cancel bool
	c := &cobra.Command{
		Use:   "move",
		Short: "Move the whole account to DynamoDB and S3, or into a data folder",
		Long: `Move everything that is stored to an empty place: sources, records, edits, jobs,
plans, receipts and files, with all their ids. API keys don't move: make new ones there.

--to dynamodb moves the data folder (--data) into the table RESEED_TABLE and the bucket
RESEED_BUCKET. --to FOLDER moves into a data folder: out of the table and the bucket if
RESEED_STORE=dynamodb, else out of the data folder (--data).

From the start of the move on, the account cannot be used at the old place, by no server
and no deployed function; at the new place it can once everything was compared. If the
move is cut, repeat the command: it goes on where it was. Files that programs put into
the bucket of the old place afterwards are not imported.`,
		Example: `  RESEED_TABLE=reseed RESEED_BUCKET=files reseed move --to dynamodb
  RESEED_STORE=dynamodb RESEED_TABLE=reseed RESEED_BUCKET=files reseed move --to ./back
  reseed move --cancel`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case sh.url != "":
				return usage("a move works on the data itself, and not over --url")
			case cancel && to != "", !cancel && to == "":
				return usage("say where to: --to dynamodb, or --to FOLDER; or --cancel")
			case cancel:
				return sh.cancelMove(c.Context())
			}
			return sh.move(c.Context(), to)
		},
	}
	c.Flags().StringVar(&to, "to", "", "where to: dynamodb, or a new data folder")
	c.Flags().BoolVar(&cancel, "cancel", false, "take the account into use again where it is, if its move is not done")
	return sh.addJSONFlag(c)
}

// moveReport is what the command prints with --json.
type moveReport struct {
	From      string  `json:"from"`
	To        string  `json:"to,omitempty"` // where the account is from now on
	Items     int64   `json:"items,omitempty"`
	Objects   int64   `json:"objects,omitempty"`
	LeftOut   int     `json:"left_out,omitempty"` // entries of the file folder that are no plain files
	Seconds   float64 `json:"seconds,omitempty"`  // of this command; an earlier one may have copied some
	Cancelled bool    `json:"cancelled,omitempty"`
}

func (sh *shell) move(ctx context.Context, to string) error {
	began := time.Now()
	from, at, err := sh.ways(to)
	if err != nil {
		return err
	}
	source, err := from.openEnd(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = source.Store.Close() }() // nothing is written to it that a failed close could lose
	target, err := at.openEnd(ctx)
	if err != nil {
		return err
	}
	settle := from.RequestLifetime
	if source.Store.Exclusive() {
		settle = 0
	}
	r, err := mover.Move(ctx, mover.Config{From: source, To: target, Settle: settle, Now: time.Now, Report: sh.moving(source, target)})
	if err = errors.Join(err, target.Store.Close()); err != nil {
		return err
	}
	if sh.json {
		return sh.show(moveReport{
			From: source.Name, To: target.Name, Items: r.Items, Objects: r.Objects, LeftOut: r.LeftOut, Seconds: time.Since(began).Seconds(),
		}, "")
	}
	sh.printf("Moved %d items and %d files to %s; everything was compared. Use it there from now on.\n", r.Items, r.Objects, target.Name)
	if r.LeftOut > 0 {
		sh.printf("Left out %d entries of the file folder that are no plain files.\n", r.LeftOut)
	}
	sh.printf("API keys did not move. Make new ones there: %s\n", at.command("keys add NAME"))
	return nil
}

// command is a command line for people to copy that works on this end.
func (w way) command(line string) string {
	if w.Store == toDynamoDB {
		return "RESEED_STORE=" + toDynamoDB + " " + w.self + " " + line
	}
	return w.again("%s", line)
}

// moving prints when another stage of a move begins, and now and then how far it is.
func (sh *shell) moving(from, to mover.End) func(mover.Progress) {
	if sh.json {
		return func(mover.Progress) {}
	}
	var stage mover.Stage
	last := time.Now()
	return func(p mover.Progress) {
		switch {
		case p.Stage != stage:
			sh.printf("%s\n", stageOfMove(p, from, to))
		case time.Since(last) < readingEvery:
			return
		case p.Stage == mover.Verifying:
			sh.printf("  %d items and files compared\n", p.Compared)
		default:
			sh.printf("  %d items and %d files copied\n", p.Items, p.Objects)
		}
		stage, last = p.Stage, time.Now()
	}
}

// stageOfMove says what begins.
func stageOfMove(p mover.Progress, from, to mover.End) string {
	switch p.Stage {
	case mover.Closing:
		return fmt.Sprintf("Moving from %s to %s.", from.Name, to.Name)
	case mover.Items:
		return fmt.Sprintf("Copying items%s.", goingOn(p.Items))
	case mover.Objects:
		return "Copying files."
	case mover.Verifying:
		return "Comparing both ends."
	}
	return ""
}

func goingOn(items int64) string {
	if items == 0 {
		return ""
	}
	return fmt.Sprintf(", going on after the first %d", items)
}

func (sh *shell) cancelMove(ctx context.Context) error {
	c, err := sh.settings()
	if err != nil {
		return err
	}
	e, err := way{sh, c}.openEnd(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(mover.Cancel(ctx, e.Store), e.Store.Close()); err != nil {
		return err
	}
	return sh.show(moveReport{From: e.Name, Cancelled: true},
		"The move is cancelled: the account is used here again. What has arrived at the other end stays there, cannot be used, and can be deleted.\n")
}

// way is how one end of a move is opened.
type way struct {
	*shell
	config.Config
}

// ways returns how the source and the target are opened.
func (sh *shell) ways(to string) (from, at way, err error) {
	c, err := sh.settings()
	if err != nil {
		return from, at, err
	}
	target := *sh
	from, at = way{sh, c}, way{&target, c}
	if to == toDynamoDB {
		if c.Store == toDynamoDB || c.Table == "" || c.Bucket == "" {
			return from, at, usage("--to dynamodb moves a data folder: it needs the names of the table and the bucket in RESEED_TABLE and RESEED_BUCKET, and no RESEED_STORE=dynamodb")
		}
		at.Store = toDynamoDB
		return from, at, nil
	}
	at.Store, at.Bucket, target.data, target.makesData = "", "", to, true
	here, err1 := filepath.Abs(sh.data)
	there, err2 := filepath.Abs(to)
	if here == there && err1 == nil && err2 == nil {
		return from, at, usage("--to names the data folder itself")
	}
	return from, at, nil
}

func (w way) openEnd(ctx context.Context) (mover.End, error) {
	st, objs, err := w.open(ctx, w.shell, w.Config, w.logger())
	if fault.Is(err, fault.Busy) {
		err = fmt.Errorf("a move needs the data folder %s for itself: stop \"reseed serve\" and the commands that work on it first", w.data)
	}
	return mover.End{Store: st, Objects: objs, Name: w.place()}, err
}

// place names an end for people, without the folders above a data folder: every client of an
// account that was moved is told.
func (w way) place() string {
	if w.Store == toDynamoDB {
		if w.Bucket == "" {
			return fmt.Sprintf("table %q", w.Table)
		}
		return fmt.Sprintf("table %q and bucket %q", w.Table, w.Bucket)
	}
	path, err := filepath.Abs(w.data)
	if err != nil {
		path = w.data
	}
	return fmt.Sprintf("folder %q", filepath.Base(path))
}
