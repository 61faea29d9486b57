package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/fault"
)

// patience is how long a command waits for another command that has the data folder open.
const patience = 30 * time.Second

// session is a client of the server that a command talks to. Closing it ends what connect started.
type session struct {
	*client.Client
	close func() error
	// makeBackup makes a backup of the data folder; nil with --url, since an API key must not write
	// files on a server.
	makeBackup backupMaker
}

// connect returns a session with the instance at --url, with the server that has the data folder
// open, or else with this process.
func (sh *shell) connect(ctx context.Context) (*session, error) {
	if sh.url != "" {
		return sh.remote(ctx, defaultWaits())
	}
	made, _ := sh.madeKey() // to be listed; the server reports what is wrong with it

	for deadline := time.Now().Add(patience); ; {
		if c := throughDoor(ctx, sh.data); c != nil {
			return c, nil
		}
		a, err := openApp(ctx, sh, sh.logger(), made...)
		if err == nil {
			return a.session(ctx), nil
		}
		if !fault.Is(err, fault.Busy) || time.Now().After(deadline) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// remote returns a session with the instance at --url, once that has answered a ping.
func (sh *shell) remote(ctx context.Context, w waits) (*session, error) {
	key, err := sh.apiKey()
	switch {
	case err != nil:
		return nil, err
	case key == "":
		return nil, usage("--url needs the API key in RESEED_API_KEY")
	}
	c := &session{client.New(strings.TrimSuffix(sh.url, "/"), key, patientClient(w)), noClose, nil}
	ctx, cancel := context.WithTimeout(ctx, w.answer)
	defer cancel()
	return c, c.Ping(ctx)
}

func noClose() error { return nil }

// with connects, calls f, and closes the session.
func (sh *shell) with(ctx context.Context, f func(*client.Client) error) error {
	s, err := sh.connect(ctx)
	if err != nil {
		return err
	}
	err = f(s.Client)
	if closeErr := s.close(); err == nil && closeErr != nil {
		return closeErr
	}
	return err
}

// withSource connects, finds the data source of that name, and calls do with it.
func (sh *shell) withSource(c *cobra.Command, name string, do func(*client.Client, wire.Source) error) error {
	return sh.with(c.Context(), func(cl *client.Client) error {
		s, err := sh.sourceNamed(c.Context(), cl, name)
		if err != nil {
			return err
		}
		return do(cl, s)
	})
}

// sourceNamed finds the data source that a name or uuid means.
func (sh *shell) sourceNamed(ctx context.Context, cl *client.Client, name string) (wire.Source, error) {
	named, err := cl.SourcesNamed(ctx, name)
	if err != nil {
		return wire.Source{}, err
	}
	if len(named) == 0 {
		return wire.Source{}, fmt.Errorf("there is no data source %q; to see what there is: %s", name, sh.again("sources list"))
	}
	sh.warnOfNamesakes(named)
	return named[0], nil
}

// warnOfNamesakes says which other data sources a name may have meant.
func (sh *shell) warnOfNamesakes(named []wire.Source) {
	for _, other := range named[1:] {
		fprintf(sh.errOut, "reseed: %q means %s; %s has the same name in another spelling: to mean that one, give its id\n", named[0].Name, named[0].UUID, other.UUID)
	}
}
