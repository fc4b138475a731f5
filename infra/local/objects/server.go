// Package objects is the local stack's S3: versitygw's front, which really checks signatures, presigned URLs and POST policies, over
// a store of files; and the watch that sees objects being created, in that server or in any other.
package objects

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

// Server is a running S3 server without a port: a proxy speaks to it by Transport.
type Server struct {
	Transport *http.Transport
	api       *s3api.S3ApiServer
	ended     chan error
}

// Start serves the objects in dir to the holder of the key.
func Start(dir, region, accessKey, secretKey string) (*Server, error) {
	s, err := openStore(dir)
	if err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	root := auth.Account{Access: accessKey, Secret: secretKey, Role: auth.RoleAdmin}
	ready := make(chan struct{})
	api, err := s3api.New(s, middlewares.RootUserConfig{Access: accessKey, Secret: secretKey}, region, people{auth.NewIAMServiceSingle(root)},
		nil, nil, nil, nil, s3api.WithQuiet(), s3api.WithKeepAlive(), s3api.WithConcurrencyLimiter(1024, 1024),
		s3api.WithOnListen(func() { close(ready) }))
	if err != nil {
		return nil, fmt.Errorf("objects: %w", err)
	}
	// versitygw doesn't say which port it was given, so it gets none but a socket in Linux's abstract namespace, which leaves no file.
	socket := "@tributary-s3-" + strings.ToLower(rand.Text())
	srv := &Server{
		api: api, ended: make(chan error, 1),
		Transport: &http.Transport{
			DisableCompression: true, MaxIdleConnsPerHost: 64,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "unix", socket)
			},
		},
	}
	go func() { srv.ended <- api.ServeMultiPort([]string{socket}) }()
	select {
	case <-ready:
		return srv, nil
	case err := <-srv.ended:
		return nil, fmt.Errorf("objects: %w", err)
	}
}

// people is the one account there is. To everybody else it says what S3 says, where versitygw's own says that a user of its
// administration isn't found.
type people struct{ auth.IAMService }

func (p people) GetUserAccount(access string) (auth.Account, error) {
	account, err := p.IAMService.GetUserAccount(access)
	if err != nil {
		return auth.Account{}, auth.ErrNoSuchUser
	}
	return account, nil
}

// Close ends the server.
func (s *Server) Close() error {
	s.Transport.CloseIdleConnections()
	if err := s.api.ShutDown(); err != nil {
		return fmt.Errorf("objects: %w", err)
	}
	<-s.ended
	return nil
}
