package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
	"reseed/pkg/source/system"
	"reseed/pkg/source/systems"
)

// systemFlags say with which account of a billing system a source is connected, and what becomes of
// its objects.
type systemFlags struct {
	place, credentials, subscriptions string
	settings                          mappingFlags
}

// mappingFlags are the settings of package system. Flags that are not given change nothing.
type mappingFlags struct {
	count string
	on    map[string]*bool // by the name in JSON
}

func (f *systemFlags) addTo(c *cobra.Command) {
	c.Flags().StringVar(&f.credentials, "credentials", "", "file with the credentials of a billing system, as JSON or lines of NAME=value; - reads standard input. Without it they are asked for")
	c.Flags().StringVar(&f.place, "place", "", "where the account of a billing system is, such as EU")
	c.Flags().StringVar(&f.subscriptions, "subscriptions", "", "file with ids of subscriptions, one a line, for a system that cannot list all of them")
	c.Flags().StringVar(&f.settings.count, "count", "", "which invoices of a billing system count: paid, partly_paid or issued (default paid)")
	f.settings.on = map[string]*bool{}
	for _, flag := range mappingWords() {
		f.settings.on[flag.name] = c.Flags().Bool(strings.ReplaceAll(flag.name, "_", "-"), false, flag.help)
	}
}

// mappingWords are the settings that are on or off.
func mappingWords() []struct{ name, help string } {
	return []struct{ name, help string }{
		{"without_voided", "leave out void invoices"},
		{"without_uncollectible", "leave out invoices that were written off"},
		{"without_refunded", "leave out invoices of which all was paid back"},
		{"deleted_customers", "bring in customers that were deleted in the billing system"},
		{"metadata", "take metadata and the like of customers as custom attributes"},
		{"metered", "count what is billed by use as subscriptions, too"},
	}
}

// given reports whether any flag is there.
func (f *systemFlags) given(c *cobra.Command) bool {
	names := []string{"credentials", "place", "subscriptions", "count"}
	for _, w := range mappingWords() {
		names = append(names, strings.ReplaceAll(w.name, "_", "-"))
	}
	return slices.ContainsFunc(names, c.Flags().Changed)
}

// change reads the settings that are given; nil if there are none.
func (f *mappingFlags) change(c *cobra.Command) (*wire.MappingChange, error) {
	var m wire.MappingChange
	given := false
	if c.Flags().Changed("count") {
		if !slices.Contains([]string{string(system.Paid), string(system.PartlyPaid), string(system.Issued)}, f.count) {
			return nil, usage("--count is paid, partly_paid or issued")
		}
		m.Invoices, given = &f.count, true
	}
	for name, to := range m.Truths() {
		if c.Flags().Changed(strings.ReplaceAll(name, "_", "-")) {
			*to, given = f.on[name], true
		}
	}
	if !given {
		return nil, nil //nolint:nilnil // nothing is given, and nothing is wrong
	}
	return &m, nil
}

// connect reads what connects a source: the settings from flags, the credentials from a file, standard
// input or the terminal.
func (sh *shell) connectionOf(c *cobra.Command, f *systemFlags, sys system.System) (wire.Connect, error) {
	with := wire.Connect{System: sys.Name(), Place: f.place}
	var err error
	if with.Settings, err = f.settings.change(c); err != nil {
		return with, err
	}
	if with.Subscriptions, err = f.subscriptionsOf(c); err != nil {
		return with, err
	}
	with.Credentials, err = sh.credentialsOf(c.Context(), f, sys)
	return with, err
}

// subscriptionsOf reads the file with ids; nil if there is none.
func (f *systemFlags) subscriptionsOf(c *cobra.Command) (*[]string, error) {
	if !c.Flags().Changed("subscriptions") {
		return nil, nil //nolint:nilnil // nothing is given, and nothing is wrong
	}
	text, err := os.ReadFile(f.subscriptions)
	if err != nil {
		return nil, usage("the file of --subscriptions cannot be read: %w", err)
	}
	ids := strings.Fields(string(text))
	return &ids, nil
}

// mostOfCredentials is how many bytes a file of credentials has at most.
const mostOfCredentials = 64 << 10

func (sh *shell) credentialsOf(ctx context.Context, f *systemFlags, sys system.System) (map[string]string, error) {
	switch {
	case f.credentials == "-":
		return readCredentials(os.Stdin, sys)
	case f.credentials != "":
		file, err := os.Open(f.credentials)
		if err != nil {
			return nil, usage("the file of --credentials cannot be read: %w", err)
		}
		defer func() { _ = file.Close() }()
		return readCredentials(file, sys)
	case !sh.onTerminal():
		return nil, usage("there is no terminal to ask on for the credentials of %s: --credentials names a file with them, or - for standard input", sys.Name())
	}
	return sh.askCredentials(ctx, sys)
}

// readCredentials reads a JSON object, or lines of NAME=value. Of a system that asks for one thing, that may be all there is.
// Errors do not repeat what is there.
func readCredentials(r io.Reader, sys system.System) (map[string]string, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostOfCredentials+1))
	if err != nil || len(text) > mostOfCredentials {
		return nil, usage("the credentials cannot be read, or have more than 64 KB")
	}
	c := map[string]string{}
	body := strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))
	if strings.HasPrefix(body, "{") {
		if json.Unmarshal([]byte(body), &c) != nil {
			return nil, usage("the credentials are no JSON object of texts, such as %s", example(sys))
		}
		return c, nil
	}
	asks := sys.Asks()
	if len(asks) == 1 && body != "" && !strings.ContainsAny(body, " \t\r\n") && !strings.HasPrefix(body, asks[0].Name+"=") {
		return map[string]string{asks[0].Name: body}, nil
	}
	for line := range strings.Lines(body) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, usage("a line of the credentials is not NAME=value; %s needs %s", sys.Name(), example(sys))
		}
		c[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	return c, nil
}

// example is what credentials look like.
func example(sys system.System) string {
	c := map[string]string{}
	for _, a := range sys.Asks() {
		c[a.Name] = "..."
	}
	text, _ := json.Marshal(c) // texts never fail
	return string(text)
}

// askCredentials asks on the terminal. Secrets are not shown.
func (sh *shell) askCredentials(ctx context.Context, sys system.System) (map[string]string, error) {
	c, lines := map[string]string{}, bufio.NewReader(os.Stdin)
	for _, a := range sys.Asks() {
		fprintf(sh.errOut, "%s\n%s: ", a.Help, a.Label)
		read := func() (string, error) { return lines.ReadString('\n') }
		if a.Secret {
			read = func() (string, error) {
				secret, err := term.ReadPassword(int(os.Stdin.Fd()))
				return string(secret), err
			}
		}
		answer, err := typed(ctx, read)
		if a.Secret {
			fprintf(sh.errOut, "\n")
		}
		if err != nil {
			return nil, err
		}
		c[a.Name] = strings.TrimSpace(answer)
	}
	return c, nil
}

// typed waits for what a person types, or for the end of the command: then the terminal shows again what is typed.
func typed(ctx context.Context, read func() (string, error)) (string, error) {
	before, err := term.GetState(int(os.Stdin.Fd()))
	if err != nil {
		return "", fmt.Errorf("the terminal cannot be asked: %w", err)
	}
	type answer struct {
		text string
		err  error
	}
	got := make(chan answer, 1)
	go func() { text, err := read(); got <- answer{text, err} }()
	select {
	case <-ctx.Done():
		_ = term.Restore(int(os.Stdin.Fd()), before)
		return "", errors.New("interrupted; nothing was stored")
	case a := <-got:
		if a.err != nil {
			return "", usage("nothing was typed")
		}
		return a.text, nil
	}
}

// addSystem makes a data source that pulls from a billing system. The credentials are checked before it is made.
func (sh *shell) addSystem(c *cobra.Command, name string, sys system.System, f *systemFlags, pulls wire.SyncChange, scheduled bool) error {
	with, err := sh.connectionOf(c, f, sys)
	if err != nil {
		return err
	}
	sh.makesData = true
	return sh.with(c.Context(), func(cl *client.Client) error {
		if err := sh.checkFirst(c.Context(), cl, sys.Name(), with); err != nil {
			return err
		}
		s, err := cl.AddSource(c.Context(), name, sys.Name())
		if err != nil {
			return err
		}
		if !sh.json {
			sh.printf("Added %s (%s).\n", s.Name, s.UUID)
		}
		if _, err = cl.Connect(c.Context(), s.UUID, with); err != nil {
			return fmt.Errorf("%w; the data source is there, but not connected: %s", err, sh.again("sources set %s --system %s", quoted(s.Name), quoted(sys.Name())))
		}
		return sh.showConnected(c.Context(), cl, s, pulls, scheduled)
	})
}

// checkFirst checks credentials, and says whose they are.
func (sh *shell) checkFirst(ctx context.Context, cl *client.Client, sys string, with wire.Connect) error {
	a, err := cl.CheckCredentials(ctx, sys, wire.Connect{Place: with.Place, Credentials: with.Credentials, Subscriptions: with.Subscriptions})
	if err != nil {
		return err
	}
	if !sh.json {
		sh.printf("%s account %s, %s. The credentials may read all that is needed.\n", sys, a.Title(), a.Mode())
	}
	return nil
}

// showConnected sets the schedule, if one is given, and prints what a source pulls from.
func (sh *shell) showConnected(ctx context.Context, cl *client.Client, s wire.Source, pulls wire.SyncChange, scheduled bool) (err error) {
	var got wire.Syncs
	if scheduled {
		got, err = cl.ChangeSyncs(ctx, s.UUID, pulls)
	} else {
		got, err = cl.Syncs(ctx, s.UUID)
	}
	if err != nil {
		return err
	}
	return sh.showSyncs(s, got)
}

// setSystem connects a source with an account, gives it new credentials, or changes what becomes of its objects.
func (sh *shell) setSystem(c *cobra.Command, name, asked string, f *systemFlags, pulls wire.SyncChange, scheduled bool) error {
	return sh.withSource(c, name, func(cl *client.Client, s wire.Source) error {
		if asked == "" && f.credentials == "" && f.place == "" { // no credentials are needed
			return sh.setMapping(c, cl, s, f, pulls, scheduled)
		}
		sys, err := sh.systemOf(c.Context(), cl, s, asked)
		if err != nil {
			return err
		}
		with, err := sh.connectionOf(c, f, sys)
		if err != nil {
			return err
		}
		w, err := cl.Connect(c.Context(), s.UUID, with)
		if err != nil {
			return err
		}
		if !sh.json {
			sh.printf("%s account %s, %s. The credentials may read all that is needed.\n", w.System, w.Account.Title(), w.Account.Mode())
		}
		return sh.showConnected(c.Context(), cl, s, pulls, scheduled)
	})
}

// disconnect takes the credentials of a source away.
func (sh *shell) disconnect(c *cobra.Command, name string) error {
	var other string
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Changed && f.Name != "disconnect" && f.Name != "json" {
			other = f.Name
		}
	})
	if other != "" {
		return usage("--disconnect goes without --%s", other)
	}
	return sh.withSource(c, name, func(cl *client.Client, s wire.Source) error {
		if _, err := cl.Disconnect(c.Context(), s.UUID); err != nil {
			return err
		}
		return sh.showConnected(c.Context(), cl, s, wire.SyncChange{}, false)
	})
}

func (sh *shell) setMapping(c *cobra.Command, cl *client.Client, s wire.Source, f *systemFlags, pulls wire.SyncChange, scheduled bool) error {
	settings, err := f.settings.change(c)
	if err != nil {
		return err
	}
	ids, err := f.subscriptionsOf(c)
	if err != nil {
		return err
	}
	if _, err := cl.ChangeConnection(c.Context(), s.UUID, wire.ConnectionChange{Settings: settings, Subscriptions: ids}); err != nil {
		return err
	}
	return sh.showConnected(c.Context(), cl, s, pulls, scheduled)
}

// systemOf finds the billing system that is asked for, or else the one that a source is connected with.
func (sh *shell) systemOf(ctx context.Context, cl *client.Client, s wire.Source, asked string) (system.System, error) {
	if asked == "" {
		w, err := cl.Connection(ctx, s.UUID)
		if err != nil {
			return nil, err
		}
		asked = w.System
	}
	if sys, ok := systems.ByName(asked); ok {
		return sys, nil
	}
	return nil, usage("there is no billing system %s to connect. There are: %s", asked, strings.Join(systemNames(), ", "))
}

func systemNames() (names []string) {
	for _, s := range systems.All() {
		names = append(names, s.Name())
	}
	return names
}

// showConnection prints which account a source pulls from, and what becomes of its objects.
func (sh *shell) showConnection(s wire.Source, w wire.Connection) {
	place := ""
	if w.Place != "" && !strings.EqualFold(w.Place, w.Account.Mode()) { // PayPal has a place called Live
		place = ", " + w.Place
	}
	sh.printf("%s pulls from the %s account %s, %s%s\n", s.Name, w.System, w.Account.Title(), w.Account.Mode(), place)
	switch {
	case w.Disconnected:
		sh.printf("It is disconnected since %s. %s\n  %s\n", w.RefusedAt.Format(time.RFC3339), w.Refused, sh.again("sources set %s --credentials FILE", quoted(s.Name)))
	case w.Refused != "":
		sh.printf("Its credentials are refused since %s: %s\n  %s\n", w.RefusedAt.Format(time.RFC3339), w.Refused, sh.again("sources set %s --credentials FILE", quoted(s.Name)))
	}
	sh.printf("Invoices that count: %s. %s\n", cmp.Or(map[string]string{"paid": "those that are paid", "partly_paid": "those that are paid in part, too", "issued": "all that were issued"}[w.Settings.Invoices], w.Settings.Invoices), otherSettings(w))
	if n := len(w.Subscriptions); n > 0 {
		sh.printf("Subscriptions named: %d\n", n)
	}
}

// otherSettings says which settings are on.
func otherSettings(w wire.Connection) string {
	m := w.Settings
	is := m.Truths()
	var on []string
	for _, word := range mappingWords() {
		if *is[word.name] {
			on = append(on, word.help)
		}
	}
	if on == nil {
		return "Other settings are as usual"
	}
	return "Besides: " + strings.Join(on, "; ")
}

// refusedSources says, by uuid, which sources have no credentials that their billing systems take.
func refusedSources(ctx context.Context, cl *client.Client, list []wire.Source) (map[string]string, error) {
	found := map[string]string{}
	if !slices.ContainsFunc(list, func(s wire.Source) bool { _, is := systems.ByName(s.System); return is }) {
		return found, nil
	}
	o, err := cl.Overview(ctx)
	for _, s := range o.Sources {
		switch {
		case s.Sync == nil || s.Sync.Refused == "":
		case s.Sync.Disconnected:
			found[s.UUID] = "disconnected"
		default:
			found[s.UUID] = "credentials refused"
		}
	}
	return found, err
}
