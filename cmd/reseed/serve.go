package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"reseed/pkg/httpapi"
	"reseed/pkg/store"
)

type serveOptions struct {
	addr        string
	connections int
}

func serveCommand(sh *shell) *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the console and the REST API and do the work, all in one process",
		Long: `Serve the console for browsers and the ChartMogul-compatible REST API, and
import what is put into the object folder:
DATA/objects/uploads/<source name or uuid>/<file>.csv.

On an address of this machine alone it prints a link that signs a browser in.

The API key is RESEED_API_KEY. If that is not set and there is no key yet, one
is made at the first start and printed once; only its hash is kept. More keys,
each with a name: reseed keys --help.`,
		Example: `  reseed serve
  RESEED_API_KEY=$(openssl rand -hex 24) reseed serve --addr 0.0.0.0:9000 --data /var/lib/reseed`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return sh.serve(c.Context(), o) },
	}
	c.Flags().StringVar(&o.addr, "addr", "127.0.0.1:8080", "address to listen on")
	c.Flags().IntVar(&o.connections, "max-connections", 0,
		fmt.Sprintf("how many connections may be open at a time (default a third of the limit of open files, at most %d)", mostConnections))
	return c
}

// serve opens everything first, and makes an API key last: if anything else fails, no key was made.
func (sh *shell) serve(ctx context.Context, o serveOptions) (err error) {
	most, err := o.most()
	if err != nil {
		return err
	}
	set, err := sh.settingKeys()
	if err != nil {
		return err
	}
	sh.serving, sh.makesData = true, true
	if err := os.MkdirAll(sh.data, 0o700); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", o.addr)
	if err != nil {
		return fmt.Errorf("listen: %w (choose another address with --addr)", err)
	}
	defer func() { _ = l.Close() }() // no effect if its entrance was shut down
	if err := sh.checkLength(l.Addr()); err != nil {
		return err
	}
	own, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the commands on this machine: %w", err)
	}
	defer func() { _ = own.Close() }()
	in, err := openApp(ctx, sh, sh.logger(), set...)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop() // ends the watch for uploads, too
		err = errors.Join(err, in.close())
	}()
	in.start(ctx)
	in.watchUploads(ctx)
	public, private := newEntrance(l, most, in.handler, in.Log), newEntrance(own, ownConnections, nil, in.Log)
	d := door{URL: "http://" + own.Addr().String(), Key: in.key}
	private.Handler = d.handler(in.handler, backupHandler(ctx, in.makeBackup))
	ended := make(chan error, 2)
	go func() { ended <- private.serve() }()
	defer func() { err = errors.Join(err, public.shutDown(ctx), private.shutDown(ctx)) }()
	if err := writeDoor(sh.data, d); err != nil {
		return err
	}
	defer func() { _ = os.Remove(doorFile(sh.data)) }()
	if err := sh.greet(ctx, l.Addr(), in, set); err != nil {
		if ctx.Err() != nil { // the server was told to stop meanwhile, which is no failure
			return nil
		}
		return err
	}
	go func() { ended <- public.serve() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}

// most is how many connections may be open at a time.
func (o serveOptions) most() (int, error) {
	files := openFiles()
	switch {
	case o.connections < 0:
		return 0, usage("--max-connections is a number, 0 for the default")
	case o.connections == 0:
		return share(files, mostConnections), nil
	case uint64(o.connections) > files/2:
		return 0, usage("--max-connections %d: more than half of the %d files that this process may have open (ulimit -n); raise that first", o.connections, files)
	}
	return o.connections, nil
}

// checkLength refuses a short RESEED_API_KEY, which can be guessed, unless only this machine can
// connect; then it only warns. Keys that Reseed makes are long.
func (sh *shell) checkLength(at net.Addr) error {
	const enough = 16
	key, err := sh.apiKey()
	if err != nil {
		return err
	}
	if key == "" || utf8.RuneCountInString(key) >= enough {
		return nil
	}
	if tcp, ok := at.(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return usage("RESEED_API_KEY has fewer than %d characters, which can be guessed, and %s is not only for this machine; to make one: openssl rand -hex 24",
			enough, at)
	}
	_, _ = fmt.Fprintf(sh.errOut, "reseed: RESEED_API_KEY has fewer than %d characters: good enough to try things out on this machine, not more\n", enough)
	return nil
}

// greet says where the server is, and makes and shows an API key if there is no key. It shows the
// key before it stores it: if the process ends in between, the next one makes another key. A key
// that was never shown is never valid.
func (sh *shell) greet(ctx context.Context, at net.Addr, in *instance, set []httpapi.Key) error {
	url := "http://" + at.String()
	sh.printf("Reseed serves %s (data in %s)\n", url, sh.data)
	made := ""
	if len(set) == 0 {
		var err error
		if made, err = sh.firstKey(ctx, in); err != nil {
			return err
		}
	}
	if err := sh.browse(ctx, at, made, in, set); err != nil {
		return err
	}
	sh.printf("Try, in another terminal:\n")
	sh.printf("  bin/reseed import testdata/company/*.csv --source Company\n")
	sh.printf("  curl -u %s: '%s/v1/customers?per_page=2'\n", cmp.Or(made, "YOUR_KEY"), url)
	sh.printf("Stop with Ctrl-C.\n")
	return nil
}

// firstKey makes an API key, shows it and stores it, if the table has no key; else it returns "".
func (sh *shell) firstKey(ctx context.Context, in *instance) (string, error) {
	list, err := in.Store.APIKeys(ctx)
	if err != nil || len(list) > 0 {
		return "", err
	}
	key := httpapi.NewKey()
	_, err = fmt.Fprintf(sh.out, "API key: %s\n  It is shown this once; only its hash is kept. More keys, or another: %s\n", key, sh.again("keys add NAME"))
	if err != nil {
		return "", fmt.Errorf("the API key could not be shown, so none was made: %w", err)
	}
	k := store.APIKey{Name: "first key", Hash: httpapi.HashKey(key), At: time.Now().UTC().Truncate(time.Millisecond), By: "reseed serve"}
	if err := in.Store.AddAPIKey(ctx, k); err != nil {
		return "", fmt.Errorf("the API key above could not be stored, and is not valid: %w", err)
	}
	return key, nil
}
