// Command cmd serves the stand-ins of package awsfake, for the containers of the SAM tests.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"reseed/internal/awsfake"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "awsfake:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("awsfake", flag.ContinueOnError)
	s3Addr := flags.String("s3", "127.0.0.1:9000", "address of the S3 API")
	sqsAddr := flags.String("sqs", "127.0.0.1:9324", "address of the SQS API")
	buckets := flags.String("buckets", "", "buckets to create, separated by commas")
	queues := flags.String("queues", "", "queues to create, separated by commas")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s3, err := awsfake.NewS3(names(*buckets)...)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(ctx, "s3", *s3Addr, s3) })
	group.Go(func() error { return serve(ctx, "sqs", *sqsAddr, awsfake.NewSQS(time.Now, names(*queues)...)) })
	return group.Wait()
}

func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
}

func serve(ctx context.Context, name, addr string, handler http.Handler) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() {
		<-ctx.Done()
		_ = server.Close() // everything is in memory, and lost with the process
	}()
	fmt.Printf("%s listening on %s\n", name, listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
