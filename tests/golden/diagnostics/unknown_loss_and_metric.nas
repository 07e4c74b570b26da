// A loss, an argument of one, and a metric that there are not: the space compiles, but cannot be trained.
space s {
  input image: [3, 8, 8]
  choose op in { conv3: conv_bn_relu(k = 3), skip }
  x = image >> op()
  task road = x >> conv(4, k = 1) { loss cross_entropi() metric iou() }
  task far = x >> conv(1, k = 1) { loss mse(top = 0.2) }
}
