// What the upstream answers and the load generator insists on: about 200 bytes of JSON.
export const answer = JSON.stringify({
  id: 42,
  name: 'Copper kettle, 1.7 l',
  price: { amount: 4990, currency: 'EUR' },
  stock: { available: 17, reserved: 3, warehouse: 'north-2' },
  tags: ['kitchen', 'copper', 'new'],
  updatedAt: '2026-01-15T09:30:00.000Z',
});
