const lib = (name) => `^libs/${name}/src/`;

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      comment: 'A circle has no inside and no outside.',
      from: {},
      to: { circular: true },
    },
    {
      name: 'kernel-and-ml-stand-alone',
      severity: 'error',
      comment: 'kernel and ml import nothing of ours and no package: they must be readable and testable alone.',
      from: { path: '^libs/(kernel|ml)/src/', pathNot: '\\.spec\\.ts$' },
      to: { path: ['^(libs|apps)/', 'node_modules/'], pathNot: '^libs/$1/src/' },
    },
    {
      name: 'config-imports-kernel-only',
      severity: 'error',
      from: { path: lib('config') },
      to: { path: '^(libs|apps)/', pathNot: ['^libs/(config|kernel)/'] },
    },
    {
      name: 'enter-a-lib-by-its-index',
      severity: 'error',
      comment: 'Import #name, never a file inside another lib.',
      from: { path: '^(libs/[^/]+|apps/[^/]+|test|bench|scripts)/' },
      to: { path: '^libs/[^/]+/src/', pathNot: ['^$1/', '^libs/[^/]+/src/index\\.ts$'] },
    },
    { name: 'no-lib-imports-an-app', severity: 'error', from: { path: '^libs/' }, to: { path: '^(apps|test|bench)/' } },
    {
      name: 'no-app-imports-an-app',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'policies-do-not-know-the-gateway',
      severity: 'error',
      comment: 'rate-limit, auth, monitoring and ml-client see the Exchange of kernel; gateway imports them.',
      from: { path: '^libs/(rate-limit|auth|monitoring|ml-client|nl-query|storage)/' },
      to: { path: lib('gateway') },
    },
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: ['\\.spec\\.ts$', '^libs/testing/'] },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'no-development-packages-in-production',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: ['\\.spec\\.ts$', '^libs/testing/'] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'A fresh clone has neither dist nor the packages of the peers that the bench installs by itself.',
      from: { pathNot: '^bench/peers/' },
      to: { couldNotResolve: true, pathNot: '(^|/)dist/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
};
