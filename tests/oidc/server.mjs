// An OAuth server for tests/outside/oidc.rs: the npm package oidc-provider on a free loopback port.
//
// It prints `listening 127.0.0.1:PORT` and `refresh {…}` with a refresh token for each client that uses one. For each
// token it prints `issued {…}` with the server's own record of the token. For each refused request it prints `refused …`
// with the reason, which is not in the response. With a folder as argument it also listens with TLS, uses server.pem,
// server-key.pem and ca.pem from that folder, and prints `secure 127.0.0.1:PORT`. The server ends when standard input is
// closed, which happens when the test dies, and after five minutes at most.

import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { Provider, errors } from 'oidc-provider';

// The package calls URL.parse, which Node in Debian 12 does not have.
URL.parse ??= (text) => (URL.canParse(text) ? new URL(text) : null);

const API = 'https://api.example/';
// Access tokens for this API are JSON Web Tokens.
const SIGNED = 'https://signed.example/';
const key = (name) => createPublicKey(readFileSync(new URL(`../keys/${name}.pem`, import.meta.url))).export({ format: 'jwk' });
const signing = (client_id, algorithm, name) => ({
  client_id, token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: algorithm, jwks: { keys: [key(name)] },
});
const mutual = (client_id, name) => ({ client_id, token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: name });
const refreshing = (client_id) => ({
  client_id, client_secret: 'a-secret-of-its-own', grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
  redirect_uris: ['https://client.example/back'], scope: 'openid offline_access read write',
});

// All these values are made up.
const clients = [
  { client_id: 'basic', client_secret: 'correct-horse', token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'post', client_secret: 'battery-staple', token_endpoint_auth_method: 'client_secret_post' },
  // The client must form-encode id and secret before it joins them (RFC 6749, section 2.3.1).
  { client_id: 'cl:ient +%', client_secret: 's:ecret &=+%2B/~', token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'ended', client_secret: 'correct-horse', client_secret_expires_at: 1600000000, token_endpoint_auth_method: 'client_secret_basic' },
  { client_id: 'shared', client_secret: 'a-secret-that-signs-and-is-never-sent', token_endpoint_auth_method: 'client_secret_jwt' },
  signing('rs256', 'RS256', 'rsa8'),
  signing('ps256', 'PS256', 'rsa8'),
  signing('es256', 'ES256', 'ec8'),
  mutual('mutual', 'client.example'),
  refreshing('stays'),
  refreshing('replaces'),
];

const peer = (context) => context.socket.getPeerCertificate?.();
const configuration = {
  clients: clients.map((client) => ({ grant_types: ['client_credentials'], response_types: [], redirect_uris: [], scope: 'read write', ...client })),
  enabledJWA: { clientAuthSigningAlgValues: ['HS256', 'HS512', 'RS256', 'PS256', 'ES256'] },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'tls_client_auth'],
  // All scopes that the server knows. It refuses `admin`, because no client has that scope.
  scopes: ['openid', 'offline_access', 'read', 'write', 'admin'],
  findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  rotateRefreshToken: (context) => context.oidc.client.clientId === 'replaces',
  ttl: { ClientCredentials: (_context, token) => token.resourceServer?.accessTokenTTL ?? 1234, AccessToken: 4321, RefreshToken: 86400, Grant: 86400 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      getCertificate: (context) => peer(context)?.raw && `-----BEGIN CERTIFICATE-----\n${peer(context).raw.toString('base64')}\n-----END CERTIFICATE-----`,
      certificateAuthorized: (context) => context.socket.authorized === true,
      certificateSubjectMatches: (context, property, expected) =>
        property === 'tls_client_auth_san_dns' && peer(context).subjectaltname.split(', ').includes(`DNS:${expected}`),
    },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (_context, resource) => {
        if (resource === SIGNED) return { scope: 'read', accessTokenTTL: 99, accessTokenFormat: 'jwt', audience: SIGNED };
        if (resource !== API) throw new errors.InvalidTarget();
        // The server grants only `read` for a request of `read write`, and its response names the granted scope.
        return { scope: 'read', accessTokenTTL: 77, accessTokenFormat: 'opaque' };
      },
    },
  },
};

// Creates the refresh token that a login in a browser would give.
async function refreshToken(provider, clientId) {
  const grant = new provider.Grant({ clientId, accountId: 'user' });
  grant.addOIDCScope('openid offline_access read');
  const client = await provider.Client.find(clientId);
  const token = new provider.RefreshToken({
    accountId: 'user', client, grantId: await grant.save(), gty: 'authorization_code', scope: 'openid offline_access read',
  });
  return token.save();
}

function authenticatedBy(context) {
  if (context.headers.authorization !== undefined) return 'client_secret_basic';
  return context.oidc.params.client_secret === undefined ? context.oidc.client.clientAuthMethod : 'client_secret_post';
}

const server = createServer();
server.listen(0, '127.0.0.1', async () => {
  const address = `127.0.0.1:${server.address().port}`;
  const provider = new Provider(`http://${address}`, configuration);
  provider.on('grant.success', async (context) => {
    const kind = context.oidc.params.grant_type === 'refresh_token' ? provider.AccessToken : provider.ClientCredentials;
    // The server keeps no record of JSON Web Tokens.
    const { clientId, scope, exp, aud } = (await kind.find(context.body.access_token)) ?? {};
    console.log(`issued ${JSON.stringify({ client: clientId, method: authenticatedBy(context), scope, audience: aud, expires: exp })}`);
  });
  provider.on('grant.error', (_context, error) => console.log(`refused ${error.error_detail ?? error.error_description ?? ''}${error.cause ? `, ${error.cause.message}` : ''}`));
  provider.on('server_error', (_context, error) => console.error(error));
  server.on('request', provider.callback());
  console.log(`listening ${address}`);
  console.log(`refresh ${JSON.stringify({ stays: await refreshToken(provider, 'stays'), replaces: await refreshToken(provider, 'replaces') })}`);
  const [folder] = process.argv.slice(2);
  if (folder !== undefined) {
    const file = (name) => readFileSync(`${folder}/${name}.pem`);
    // TLS accepts any client certificate, so that the OAuth server checks it and sends an OAuth error.
    const tls = { cert: file('server'), key: file('server-key'), ca: file('ca'), requestCert: true, rejectUnauthorized: false };
    const secure = createSecureServer(tls, provider.callback());
    secure.listen(0, '127.0.0.1', () => console.log(`secure 127.0.0.1:${secure.address().port}`));
  }
});

const end = () => process.exit(0);
process.stdin.on('end', end).on('close', end).resume();
setTimeout(end, 5 * 60 * 1000);
