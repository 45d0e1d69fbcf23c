import { kernel } from '#kernel';
console.log('gw', kernel);
