// A real OAuth server, the npm package oidc-provider, on a free port of loopback: for tests/it/oidc.rs.
//
// Prints `listening 127.0.0.1:PORT`, then for each token `issued {…}`: what the server itself holds about it.
// Ends when its standard input is closed, as happens when the test dies, and in any case after five minutes.

import { createServer } from 'node:http';
import { Provider, errors } from 'oidc-provider';

// The package wants it, and the Node of Debian 12 does not have it.
URL.parse ??= (text) => (URL.canParse(text) ? new URL(text) : null);

const API = 'https://api.example/';

// Made up, like everything here.
const clients = [
  { client_id: 'basic', client_secret: 'correct-horse', token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'post', client_secret: 'battery-staple', token_endpoint_auth_method: 'client_secret_post' },
  // Arrives whole only when both are form-encoded before they are joined (RFC 6749, section 2.3.1).
  { client_id: 'cl:ient +%', client_secret: 's:ecret &=+%2B/~', token_endpoint_auth_method: 'client_secret_basic' },
];

const configuration = {
  clients: clients.map((client) => ({
    ...client,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: 'read write',
  })),
  // All scopes that the server knows: asking for `admin` is refused, because no client may have it.
  scopes: ['read', 'write', 'admin'],
  ttl: { ClientCredentials: (_context, token) => token.resourceServer?.accessTokenTTL ?? 1234 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_context, resource) => {
        if (resource !== API) throw new errors.InvalidTarget();
        // Whoever asks for `read write` gets `read`, and the answer says so.
        return { scope: 'read', accessTokenTTL: 77, accessTokenFormat: 'opaque' };
      },
    },
  },
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const address = `127.0.0.1:${server.address().port}`;
  const provider = new Provider(`http://${address}`, configuration);
  provider.on('grant.success', async (context) => {
    const { clientId, scope, exp } = await provider.ClientCredentials.find(context.body.access_token);
    const method = context.headers.authorization === undefined ? 'client_secret_post' : 'client_secret_basic';
    console.log(`issued ${JSON.stringify({ client: clientId, method, scope, expires: exp })}`);
  });
  provider.on('server_error', (_context, error) => console.error(error));
  server.on('request', provider.callback());
  console.log(`listening ${address}`);
});

const end = () => process.exit(0);
process.stdin.on('close', end).resume();
setTimeout(end, 5 * 60 * 1000);
